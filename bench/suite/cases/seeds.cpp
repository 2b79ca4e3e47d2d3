// What Mylos began with: two activations, GELU and softmax in one pass, and a linear layer with both.
#include "suite/cases/families.hpp"
#include "suite/cases/suites.hpp"

namespace mylos::bench {
namespace {

constexpr const char* suite = "seeds";

void add_activations(Cases& cases) {
  struct Line {
    const char* name;
    Chain chain;
    Bind plain;
  };
  const Line lines[] = {{"selu", selu(), plain_selu()}, {"leaky_relu", leaky_relu(), plain_leaky_relu()}};
  for (const Line& line : lines) {
    const CaseSpec spec = fitted({4096, 393216}, [&](const Shape& shape) {
      return map_case({suite, line.name, line.name}, shape, {always(line.chain)});
    });
    add_both(cases, spec);
    add_peer(cases, spec, "kokkos", line.plain, 1);
  }
}

void add_gelu_softmax(Cases& cases) {
  const CaseSpec spec = fitted({4096, 393216}, [&](const Shape& shape) {
    return softmax_case({suite, "gelu_softmax", "softmax"}, shape, false, -1, gelu());
  });
  add_both(cases, spec);
  // A sum of n floats one after the other may be off by n u, where Mylos states 4 ulp, 8 u.
  add_peer(cases, spec, "kokkos", plain_gelu_softmax(), static_cast<double>(spec.tensors[0].extents[1]) / 8);
}

void add_layers(Cases& cases) {
  constexpr std::int64_t n = 8192;
  for (const bool prepared : {false, true}) {
    const Title title{suite, prepared ? "linear_gelu_softmax_prepared" : "linear_gelu_softmax", "linear"};
    add_both(cases, fitted({1024}, [&](const Shape& shape) {
               return linear_gelu_softmax_case(title, shape[0], n, n, prepared);
             }));
  }
  // The product alone, in the vendors' libraries too.
  Product product;
  product.n = product.k = n;
  product.b_turned = true;
  const CaseSpec spec = fitted({1024}, [&](const Shape& shape) {
    product.m = shape[0];
    return gemm_case({suite, "gemm", "gemm"}, product);
  });
  add_both(cases, spec);
  add_gemm_peers(cases, spec, product);
}

}  // namespace

Cases seeds_cases() {
  Cases cases;
  add_activations(cases);
  add_gelu_softmax(cases);
  add_layers(cases);
  return cases;
}

}  // namespace mylos::bench
