// Mlp: the layers of a small network, a non-owning description. Free of Kokkos; mlp.hpp says what it is for.
#pragma once

#include <cstddef>
#include <vector>

#include <mylos/chain.hpp>

namespace mylos {

/// Features of a layer at most.
inline constexpr int max_mlp_width = 128;

/// The layers of a network, first to last. Owns no tensor: Views and Tensors are kept as descriptors.
class Mlp {
 public:
  struct Layer {
    Tensor weight;  // (out, in)
    Tensor bias;    // (out), or not given: neither pointer nor rank
    Chain chain;

    bool has_bias() const { return bias.data != nullptr || bias.rank != 0; }
  };

  /// Adds a layer at the end. What does not fit is said by the call that runs the network.
  Mlp& layer(const Tensor& weight, const Tensor& bias, const Chain& chain = {}) {
    layers_.push_back({weight, bias, chain});
    return *this;
  }
  Mlp& layer(const Tensor& weight, const Chain& chain = {}) { return layer(weight, Tensor(), chain); }

  int size() const { return static_cast<int>(layers_.size()); }
  const Layer& operator[](int i) const { return layers_[static_cast<std::size_t>(i)]; }

 private:
  std::vector<Layer> layers_;
};

}  // namespace mylos
