// cuDNN's own softmax, activations and batch norm on the same tensors, where it was found.
#include "suite/cases/families.hpp"

#if defined(MYLOS_HAVE_CUDNN) && defined(KOKKOS_ENABLE_CUDA)

#include <cudnn.h>

#include <map>
#include <memory>
#include <stdexcept>

namespace mylos::bench {
namespace {

void check(cudnnStatus_t status, const char* function) {
  if (status != CUDNN_STATUS_SUCCESS)
    throw std::runtime_error(std::string("cudnn: ") + function + ": " + cudnnGetErrorString(status));
}
#define MYLOS_CUDNN(call) check(call, #call)

cudnnHandle_t handle_on(const Exec& exec) {
  static cudnnHandle_t handle = [] {
    cudnnHandle_t made = nullptr;
    MYLOS_CUDNN(cudnnCreate(&made));
    return made;
  }();
  MYLOS_CUDNN(cudnnSetStream(handle, exec.cuda_stream()));
  return handle;
}

cudnnDataType_t type_of(DType dtype) {
  return dtype == DType::f64   ? CUDNN_DATA_DOUBLE
         : dtype == DType::f32 ? CUDNN_DATA_FLOAT
         : dtype == DType::f16 ? CUDNN_DATA_HALF
                               : CUDNN_DATA_BFLOAT16;
}

using TensorDescriptor = std::shared_ptr<cudnnTensorStruct>;
/// (n, c, h, w): the first two dimensions, and the others as one.
TensorDescriptor described(const Tensor& t) {
  cudnnTensorDescriptor_t raw = nullptr;
  MYLOS_CUDNN(cudnnCreateTensorDescriptor(&raw));
  TensorDescriptor d(raw, cudnnDestroyTensorDescriptor);
  const std::int64_t inner = t.size() / (t.extent[0] * t.extent[1]);
  MYLOS_CUDNN(cudnnSetTensor4dDescriptor(raw, CUDNN_TENSOR_NCHW, type_of(t.dtype), static_cast<int>(t.extent[0]),
                                         static_cast<int>(t.extent[1]), static_cast<int>(inner), 1));
  return d;
}

/// The factors of what is computed and of what was there, in the type that cuDNN reads them in.
struct Factors {
  double wide[2] = {1, 0};
  float narrow[2] = {1, 0};
  bool is_wide;
  explicit Factors(DType dtype) : is_wide(dtype == DType::f64) {}
  const void* one() const { return is_wide ? static_cast<const void*>(&wide[0]) : &narrow[0]; }
  const void* zero() const { return is_wide ? static_cast<const void*>(&wide[1]) : &narrow[1]; }
};

Bind softmax_by(cudnnSoftmaxAlgorithm_t algorithm) {
  return [algorithm](const Exec& exec, const Tensors& t) -> Call {
    return [=, d = described(t[0]), f = Factors(t[0].dtype)] {
      MYLOS_CUDNN(cudnnSoftmaxForward(handle_on(exec), algorithm, CUDNN_SOFTMAX_MODE_INSTANCE, f.one(), d.get(),
                                      t[0].data, f.zero(), d.get(), t[1].data));
    };
  };
}

Bind activation_by(cudnnActivationMode_t mode) {
  return [mode](const Exec& exec, const Tensors& t) -> Call {
    cudnnActivationDescriptor_t raw = nullptr;
    MYLOS_CUDNN(cudnnCreateActivationDescriptor(&raw));
    const std::shared_ptr<cudnnActivationStruct> a(raw, cudnnDestroyActivationDescriptor);
    MYLOS_CUDNN(cudnnSetActivationDescriptor(raw, mode, CUDNN_PROPAGATE_NAN, mode == CUDNN_ACTIVATION_ELU ? 1.0 : 0.0));
    if (mode == CUDNN_ACTIVATION_SWISH) MYLOS_CUDNN(cudnnSetActivationDescriptorSwishBeta(raw, 1.0));
    return [=, d = described(t[0]), f = Factors(t[0].dtype)] {
      MYLOS_CUDNN(
          cudnnActivationForward(handle_on(exec), a.get(), f.one(), d.get(), t[0].data, f.zero(), d.get(), t[1].data));
    };
  };
}

/// x, y, weight, bias, running mean, running variance
Bind batch_norm_training() {
  return [](const Exec& exec, const Tensors& t) -> Call {
    const TensorDescriptor d = described(t[0]);
    cudnnTensorDescriptor_t raw = nullptr;
    MYLOS_CUDNN(cudnnCreateTensorDescriptor(&raw));
    const TensorDescriptor parameters(raw, cudnnDestroyTensorDescriptor);
    MYLOS_CUDNN(cudnnDeriveBNTensorDescriptor(raw, d.get(), CUDNN_BATCHNORM_SPATIAL));
    return [=, f = Factors(t[0].dtype)] {
      MYLOS_CUDNN(cudnnBatchNormalizationForwardTraining(
          handle_on(exec), CUDNN_BATCHNORM_SPATIAL, f.one(), f.zero(), d.get(), t[0].data, d.get(), t[1].data,
          parameters.get(), t[2].data, t[3].data, 0.1, t[4].data, t[5].data, 1e-5, nullptr, nullptr));
    };
  };
}

#undef MYLOS_CUDNN

/// cuDNN states no bound: results are to be the same operator's, by single-precision functions of a few units in the
/// last place.
constexpr double error_bound = 256;

}  // namespace

void add_vendor_peers(Cases& cases, const CaseSpec& spec) {
  static const std::map<std::string, Bind> peers = {
      {"softmax", softmax_by(CUDNN_SOFTMAX_ACCURATE)}, {"log_softmax", softmax_by(CUDNN_SOFTMAX_LOG)},
      {"relu", activation_by(CUDNN_ACTIVATION_RELU)},  {"sigmoid", activation_by(CUDNN_ACTIVATION_SIGMOID)},
      {"tanh", activation_by(CUDNN_ACTIVATION_TANH)},  {"elu", activation_by(CUDNN_ACTIVATION_ELU)},
      {"silu", activation_by(CUDNN_ACTIVATION_SWISH)}, {"batch_norm_training", batch_norm_training()},
  };
  const auto peer = peers.find(spec.op);
  if (peer == peers.end() || spec.layout != Layout::right || spec.tensors[0].extents.size() < 2) return;
  // Its rows are all that follows the first dimension.
  const bool rows = spec.op == "softmax" || spec.op == "log_softmax";
  if (rows && spec.tensors[0].extents.size() != 2) return;
  add_peer(cases, spec, "cudnn", peer->second, error_bound);
}

}  // namespace mylos::bench

#else

namespace mylos::bench {
void add_vendor_peers(Cases&, const CaseSpec&) {}
}  // namespace mylos::bench

#endif
