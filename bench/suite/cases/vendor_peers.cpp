// Vendors' own softmax, activations and batch norm on the same tensors: which case has which.
#include "suite/cases/vendor_peers.hpp"

#include <map>

namespace mylos::bench {

#if defined(MYLOS_VENDOR_LIBRARY)

namespace {

/// The libraries state no bound: results are to be the same operator's, by single-precision functions of a few units in
/// the last place. cuDNN's elu is not: near 0 it is e^x - 1, off by a unit in the last place of 1.
constexpr double error_bound = 256;

std::map<std::string, Bind> table_of(const VendorLibrary& library) {
  return {
      {"softmax", library.softmax(false)},
      {"log_softmax", library.softmax(true)},
      {"relu", library.activation(VendorActivation::relu)},
      {"sigmoid", library.activation(VendorActivation::sigmoid)},
      {"tanh", library.activation(VendorActivation::tanh)},
      {"silu", library.activation(VendorActivation::silu)},
      {"batch_norm_training", library.batch_norm_training()},
  };
}

}  // namespace

void add_vendor_peers(Cases& cases, const CaseSpec& spec) {
  static const VendorLibrary library = MYLOS_VENDOR_LIBRARY();
  static const std::map<std::string, Bind> peers = table_of(library);
  const auto peer = peers.find(spec.op);
  if (peer == peers.end() || !peer->second || !library.has(spec.dtype)) return;
  if (spec.layout != Layout::right || spec.tensors[0].extents.size() < 2) return;
  // Their rows are all that follows the first dimension.
  const bool rows = spec.op == "softmax" || spec.op == "log_softmax";
  if (rows && spec.tensors[0].extents.size() != 2) return;
  // Parameters of 16-bit tensors are f32 to them.
  if (spec.op == "batch_norm_training" && is_sixteen_bit(spec.dtype)) return;
  add_peer(cases, spec, library.name, peer->second, error_bound);
}

#else

void add_vendor_peers(Cases&, const CaseSpec&) {}

#endif

}  // namespace mylos::bench
