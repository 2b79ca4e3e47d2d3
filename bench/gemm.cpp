// Benchmarks of matrix products: square ones in all four layouts, batched, irregular, long sums, outer products, matrix
// times vector, diagonal, triangular, linear layers with gelu and softmax; TFLOP/s and the error against fp64, with the
// vendor's library beside it, and a sweep over sizes.
#include <Kokkos_Core.hpp>
#include <array>
#include <cmath>

#include <mylos/mylos.hpp>

#include "support/gemm_peers.hpp"
#include "support/program.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using Space = Workspace<Exec>;
using Entries = std::vector<Entry<Exec>>;
constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;

/// c = a b for each of `batches`; a and b as they are, or turned: with their columns as runs of neighbours.
struct Size {
  std::int64_t m;
  std::int64_t n;
  std::int64_t k;
  std::int64_t batches = 1;
  bool a_turned = false;
  bool b_turned = false;

  double flops() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) *
           static_cast<double>(batches);
  }
  std::string text() const {
    return (batches == 1 ? "" : std::to_string(batches) + "x") + std::to_string(m) + "x" + std::to_string(n) + "x" +
           std::to_string(k);
  }
};

using Bytes = Kokkos::View<char*, Exec::memory_space>;

/// Three tensors of (batch, rows, columns), alive as long as a copy of this.
struct Operands {
  Operands(const Size& size, DType dtype)
      : storage{make(size.batches * size.m * size.k, dtype), make(size.batches * size.k * size.n, dtype),
                make(size.batches * size.m * size.n, dtype)},
        a(tensor(storage[0], dtype, size.batches, size.m, size.k, size.a_turned)),
        b(tensor(storage[1], dtype, size.batches, size.k, size.n, size.b_turned)),
        c(tensor(storage[2], dtype, size.batches, size.m, size.n, false)) {
    fill(Exec(), a.data, dtype, a.size(), Values::normal, 1);
    fill(Exec(), b.data, dtype, b.size(), Values::normal, 1000003);
    fill(Exec(), c.data, dtype, c.size(), Values::normal, 2000003);
  }
  static Bytes make(std::int64_t count, DType dtype) {
    return Bytes(Kokkos::view_alloc("matrix", Kokkos::WithoutInitializing),
                 static_cast<std::size_t>(count) * size_of(dtype));
  }
  static Tensor tensor(const Bytes& bytes, DType dtype, std::int64_t batches, std::int64_t rows, std::int64_t columns,
                       bool turned) {
    const std::int64_t extents[] = {batches, rows, columns};
    const std::int64_t strides[] = {rows * columns, turned ? 1 : columns, turned ? rows : 1};
    return Tensor(bytes.data(), dtype, 3, extents, strides);
  }

  Bytes storage[3];
  Tensor a;
  Tensor b;
  Tensor c;
};

template <class T>
struct SampleError {
  const T* a;
  const T* b;
  const T* c;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t k;
  std::int64_t a_row, a_column, b_row, b_column;
  KOKKOS_FUNCTION void operator()(std::int64_t sample, double& worst, double& squares) const {
    const std::int64_t i = static_cast<std::int64_t>(random_bits(2 * static_cast<std::uint64_t>(sample)) %
                                                     static_cast<std::uint64_t>(rows));
    const std::int64_t j = static_cast<std::int64_t>(random_bits(2 * static_cast<std::uint64_t>(sample) + 1) %
                                                     static_cast<std::uint64_t>(columns));
    double sum = 0;
    double absolute = 0;
    for (std::int64_t q = 0; q < k; ++q) {
      const double term = static_cast<double>(static_cast<float>(a[i * a_row + q * a_column])) *
                          static_cast<double>(static_cast<float>(b[q * b_row + j * b_column]));
      sum += term;
      absolute += Kokkos::abs(term);
    }
    const double error = Kokkos::abs(static_cast<double>(static_cast<float>(c[i * columns + j])) - sum) / absolute;
    worst = error > worst || error != error ? error : worst;
    squares += error * error;
  }
};

/// Of 4096 elements of the first matrix: worst and root mean square of |c - c64| / (|a| |b|).
template <class T>
std::pair<double, double> error_of(const Operands& o) {
  constexpr std::int64_t samples = 4096;
  double worst = 0;
  double squares = 0;
  Kokkos::parallel_reduce("mylos bench: error",
                          Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(Exec(), 0, samples),
                          SampleError<T>{static_cast<const T*>(o.a.data), static_cast<const T*>(o.b.data),
                                         static_cast<const T*>(o.c.data), o.c.extent[1], o.c.extent[2], o.a.extent[2],
                                         o.a.stride[1], o.a.stride[2], o.b.stride[1], o.b.stride[2]},
                          Kokkos::Max<double>(worst), squares);
  return {worst, std::sqrt(squares / samples)};
}

std::function<std::pair<double, double>()> error_check(const Operands& o) {
  switch (o.c.dtype) {
    case DType::f32:
      return [o] { return error_of<float>(o); };
    case DType::f16:
      return [o] { return error_of<half>(o); };
    case DType::bf16:
      return [o] { return error_of<bfloat16>(o); };
    default:
      return {};  // fp64 cannot be its own judge
  }
}

void add_product(Entries& entries, const std::string& name, DType dtype, const Size& size,
                 const GemmOptions& options = {}) {
  const auto entry = [&](const std::string& path, Path forced, const GemmPeer<Exec>* peer) {
    const auto make = [=, run = peer != nullptr ? peer->run : decltype(peer->run)()](Space&) {
      const Operands o(size, dtype);
      const Exec exec;
      if (run && !run(exec, o.a, o.b, o.c)) throw std::runtime_error("the library does not serve this");
      Case made{size.text(), 0, {}, run ? path : std::string()};
      made.call = [=](int) { run ? (void)run(exec, o.a, o.b, o.c) : gemm(exec, o.a, o.b, o.c, options); };
      made.flops = size.flops();
      made.error = error_check(o);
      return made;
    };
    entries.push_back({name, dtype, path, make, Values::normal, forced, Clock::device});
  };
  entry("automatic", Path::automatic, nullptr);
  entry("generic", Path::generic, nullptr);
  for (const GemmPeer<Exec>& peer : gemm_peers<Exec>()) entry(peer.name, Path::automatic, &peer);
}

using Call = std::function<void(const Exec&, const Operands&)>;

/// Bound by memory: the bytes that a call must move count.
void add_moving(Entries& entries, const std::string& name, DType dtype, const Size& size, double elements,
                const Call& call) {
  for (const Path path : {Path::automatic, Path::generic})
    entries.push_back(
        {name, dtype, path == Path::automatic ? "automatic" : "generic",
         [=](Space&) {
           const Operands o(size, dtype);
           const Exec exec;
           return Case{size.text(), elements * static_cast<double>(size_of(dtype)), [=](int) { call(exec, o); }, {}};
         },
         Values::normal, path, Clock::device});
}

void add_squares(Entries& entries, DType dtype, const std::vector<Size>& sizes) {
  for (const Size& size : sizes)
    for (const bool a_turned : {false, true})
      for (const bool b_turned : {false, true}) {
        Size one = size;
        one.a_turned = a_turned;
        one.b_turned = b_turned;
        add_product(entries, std::string("gemm_") + (a_turned ? "t" : "n") + (b_turned ? "t" : "n"), dtype, one);
      }
}

void add_triangles(Entries& entries, DType dtype, std::int64_t n) {
  GemmOptions lower;
  lower.a = lower.b = MatrixStructure::lower;
  const Call call = [lower](const Exec& exec, const Operands& o) { gemm(exec, o.a, o.b, o.c, lower); };
  for (const Path path : {Path::automatic, Path::generic})
    entries.push_back({"triangular", dtype, path == Path::automatic ? "automatic" : "generic",
                       [=](Space&) {
                         const Size size{n, n, n};
                         const Operands o(size, dtype);
                         const Exec exec;
                         Case made{size.text(), 0, [=](int) { call(exec, o); }, {}};
                         made.flops = size.flops() / 6;
                         return made;
                       },
                       Values::normal, path, Clock::device});
}

/// linear, gelu and softmax; and the linear layer alone, with its epilogue and without.
void add_layers(Entries& entries, DType dtype, const Size& size) {
  const auto layer = [&](const std::string& name, const auto& run) {
    entries.push_back({name, dtype, "automatic",
                       [=](Space& w) {
                         const Operands o(size, dtype);
                         const Exec exec;
                         const Tensor bias = w.row(0, dtype, size.n);
                         // Both ways to see the weights are (out, in).
                         Case made{size.text(), 0, [=](int) { run(exec, o, bias); }, {}};
                         made.flops = size.flops();
                         return made;
                       },
                       Values::normal, Path::automatic, Clock::device});
  };
  const auto weights = [](const Operands& o) {
    return Tensor(static_cast<char*>(o.b.data), o.b.dtype, 2,
                  std::array<std::int64_t, 2>{o.b.extent[2], o.b.extent[1]}.data(),
                  std::array<std::int64_t, 2>{o.b.stride[2], o.b.stride[1]}.data());
  };
  layer("linear",
        [=](const Exec& exec, const Operands& o, const Tensor& bias) { linear(exec, o.a, weights(o), bias, o.c); });
  layer("linear_gelu", [=](const Exec& exec, const Operands& o, const Tensor& bias) {
    linear(exec, o.a, weights(o), bias, o.c, gelu());
  });
  layer("linear_gelu_softmax", [=](const Exec& exec, const Operands& o, const Tensor& bias) {
    linear(exec, o.a, weights(o), bias, o.c, gelu());
    softmax(exec, o.c, o.c);
  });
}

void add_moved(Entries& entries, DType dtype) {
  const auto f = [](std::int64_t x) { return static_cast<double>(x); };
  const std::int64_t columns = on_host ? 8192 : 1048576;
  const Size vector{2048, 1, columns};
  add_moving(entries, "gemv", dtype, vector, f(2048 * columns), [](const Exec& exec, const Operands& o) {
    const std::int64_t n[] = {o.a.extent[2]};
    const std::int64_t m[] = {o.a.extent[1]};
    gemv(exec, Tensor(o.a.data, o.a.dtype, 2, o.a.extent + 1, o.a.stride + 1),
         Tensor(o.b.data, o.b.dtype, 1, n, nullptr), Tensor(o.c.data, o.c.dtype, 1, m, nullptr));
  });
  const std::int64_t wide = on_host ? 4096 : 32768;
  const Size outer{wide, wide, 32};
  add_moving(entries, "outer", dtype, outer, f(wide * wide),
             [](const Exec& exec, const Operands& o) { gemm(exec, o.a, o.b, o.c); });
  const std::int64_t n = on_host ? 2048 : 4096;
  const Size diagonal{n, n, n};
  add_moving(entries, "diagonal", dtype, diagonal, 2 * f(n * n), [](const Exec& exec, const Operands& o) {
    const std::int64_t m[] = {o.a.extent[1]};
    diagonal_mm(exec, Tensor(o.a.data, o.a.dtype, 1, m, nullptr), o.b, o.c);
  });
}

void add_all(Entries& entries, DType dtype) {
  if (on_host) {
    add_squares(entries, dtype, {{1024, 1024, 1024}, {2048, 2048, 2048}});
    add_product(entries, "batched", dtype, {512, 1024, 256, 8});
    add_product(entries, "irregular", dtype, {1025, 741, 1481});
    add_product(entries, "long_sum", dtype, {256, 256, 65536});
    add_layers(entries, dtype, {1024, 2048, 2048, 1, false, true});
    add_triangles(entries, dtype, 2048);
  } else {
    add_squares(entries, dtype, {{4096, 4096, 4096}, {8192, 8192, 8192}, {2048, 4096, 8192}});
    add_product(entries, "batched", dtype, {512, 2048, 1024, 128});
    add_product(entries, "broadcast", dtype, {16384, 768, 2048});
    add_product(entries, "irregular", dtype, {8205, 5921, 2949});
    add_product(entries, "long_sum", dtype, {256, 256, 524288});
    add_layers(entries, dtype, {1024, 8192, 8192, 1, false, true});
    add_triangles(entries, dtype, 4096);
  }
  add_moved(entries, dtype);
}

/// Squares and what is beside them.
void add_sweep(Entries& entries, DType dtype) {
  const std::int64_t largest = on_host ? 2048 : 16384;
  for (std::int64_t n = 64; n <= largest; n *= 2)
    for (const std::int64_t size : {n, n + n / 2 + 1})
      if (size <= largest) add_product(entries, "sweep_" + std::to_string(size), dtype, {size, size, size});
}

}  // namespace
}  // namespace mylos::bench

int main(int argc, char** argv) {
  using namespace mylos::bench;
  CLI::App app(
      "Times Mylos' matrix products and, where it was found, the vendor's; TFLOP/s, and the worst error against fp64 "
      "as "
      "a share of the sum of the absolute values. Sizes are fixed; rows and columns are those of the copy that "
      "products "
      "bound by memory are compared with.",
      "mylos_bench_gemm");
  bool sweep = false;
  app.add_flag("--sweep", sweep, "square products of 64 to 16384 (host: 2048), and nothing else");
  return run_benchmarks<Exec>(app, {on_host ? 2048 : 16384, on_host ? 4096 : 32768}, argc, argv,
                              [&](Entries& entries, mylos::DType dtype, const Options&) {
                                sweep ? add_sweep(entries, dtype) : add_all(entries, dtype);
                              });
}
