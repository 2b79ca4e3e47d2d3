#include <mylos/path.hpp>
#include <mylos/version.hpp>

#include "bind.hpp"

NB_MODULE(_mylos, m) {
  using namespace mylos::python;
  nb::set_leak_warnings(false);  // PyTorch's registry of operators keeps functions until the process ends
  m.doc() = "Neural-network operators on arrays, in place where they lie.";
  nb::exception<mylos::Error>(m, "Error", PyExc_ValueError);
  bind_chain(m);
  bind_pointwise(m);
  bind_reduce(m);
  bind_row(m);
  bind_scan(m);
  bind_loss(m);
  bind_vector_loss(m);
  bind_gemm(m);
  bind_mlp(m);
  m.def("last_kernel", &mylos::last_kernel,
        "Name of the kernel that this thread's last call chose, as 'cuda/flat', 'host/avx512' or 'generic'.");
  m.attr("backend") = backend();
  const mylos::Version version = mylos::version();
  m.attr("__version__") =
      std::to_string(version.major) + "." + std::to_string(version.minor) + "." + std::to_string(version.patch);
  nb::module_::import_("atexit").attr("register")(nb::cpp_function(&finalize));
}
