#include "support/gemm_vendor.hpp"

#include <string>

#include "gemm/passes.hpp"
#include "gemm/vendor.hpp"
#include "hip/tuning.hpp"

namespace mylos::test {
namespace {

using mylos::detail::GemmProblem;
using mylos::detail::VendorFactor;
using mylos::detail::VendorProduct;

/// Adds products one after the other, in the type of T: the least accurate that a library may do.
template <class T>
void multiply(const VendorProduct& p) {
  const auto value = [&](const VendorFactor& f, std::int64_t batch, std::int64_t i, std::int64_t j) {
    const std::int64_t place = f.is_transposed ? i * f.leading + j : i + j * f.leading;
    return mylos::detail::load_element<T>(p.dtype, f.data, batch * f.step + place);
  };
  for (std::int64_t batch = 0; batch < p.batch; ++batch)
    for (std::int64_t j = 0; j < p.columns; ++j)
      for (std::int64_t i = 0; i < p.rows; ++i) {
        T sum = 0;
        for (std::int64_t q = 0; q < p.k; ++q) sum += value(p.left, batch, i, q) * value(p.right, batch, q, j);
        const std::int64_t at = batch * p.c_step + i + j * p.c_leading;
        sum *= static_cast<T>(p.alpha);
        if (p.beta != 0) sum += static_cast<T>(p.beta) * mylos::detail::load_element<T>(p.c_dtype, p.c, at);
        mylos::detail::store_element<T>(p.c_dtype, p.c, at, sum);
      }
}

/// What libraries check, too.
void check(const VendorProduct& p) {
  const auto fits = [](const VendorFactor& f, std::int64_t rows, std::int64_t columns) {
    return f.leading >= (f.is_transposed ? columns : rows);
  };
  if (p.rows < 1 || p.columns < 1 || p.k < 1 || p.batch < 1 || !fits(p.left, p.rows, p.k) ||
      !fits(p.right, p.k, p.columns) || p.c_leading < p.rows)
    throw Error("a library would refuse this product");
}

template <class Exec>
struct Backend : mylos::detail::KokkosPasses<Exec> {
  auto library(const GemmProblem&, void*, std::size_t) const {
    return [](const VendorProduct& p) {
      check(p);
      p.dtype == DType::f64 ? multiply<double>(p) : multiply<float>(p);
    };
  }
};

}  // namespace

mylos::detail::VendorLimits gemm_vendor_limits() {
  mylos::detail::VendorLimits limits = hip::rocblas_limits;
  limits.workspace_bytes = 256;
  limits.slice_elements = 4096;
  limits.panel = 32;
  return limits;
}

template <class Exec>
void run_gemm_vendor(const GemmProblem& problem, const mylos::detail::Queue& queue) {
  if (const char* reason = mylos::detail::refuse_vendor(problem))
    throw Error(std::string("vendor does not apply: ") + reason);
  const Exec& exec = *static_cast<const Exec*>(queue.instance);
  const mylos::detail::Scratch<Exec> memory(exec, gemm_vendor_workspace(problem));
  mylos::detail::run_vendor(problem, gemm_vendor_limits(), memory.data(), Backend<Exec>{{exec, "mylos::gemm[vendor]"}});
}

std::size_t gemm_vendor_workspace(const GemmProblem& problem) {
  return mylos::detail::VendorPlan(problem, gemm_vendor_limits()).bytes();
}

#ifdef KOKKOS_ENABLE_SERIAL
template void run_gemm_vendor<Kokkos::Serial>(const GemmProblem&, const mylos::detail::Queue&);
#endif
#ifdef KOKKOS_ENABLE_OPENMP
template void run_gemm_vendor<Kokkos::OpenMP>(const GemmProblem&, const mylos::detail::Queue&);
#endif
#ifdef KOKKOS_ENABLE_THREADS
template void run_gemm_vendor<Kokkos::Threads>(const GemmProblem&, const mylos::detail::Queue&);
#endif

}  // namespace mylos::test
