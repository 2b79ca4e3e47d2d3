// cuDNN's own softmax, activations and batch norm on the same tensors, where it was found.
#include "suite/cases/vendor_peers.hpp"

#if defined(MYLOS_HAVE_CUDNN) && defined(KOKKOS_ENABLE_CUDA)

#include <cudnn.h>

#include <memory>
#include <stdexcept>

#include "support/vendor_factors.hpp"

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
TensorDescriptor described(const Tensor& t) {
  cudnnTensorDescriptor_t raw = nullptr;
  MYLOS_CUDNN(cudnnCreateTensorDescriptor(&raw));
  TensorDescriptor d(raw, cudnnDestroyTensorDescriptor);
  const FourExtents e(t);
  MYLOS_CUDNN(cudnnSetTensor4dDescriptor(raw, CUDNN_TENSOR_NCHW, type_of(t.dtype), e.n, e.c, e.h, 1));
  return d;
}

Bind softmax_by(bool log) {
  const cudnnSoftmaxAlgorithm_t algorithm = log ? CUDNN_SOFTMAX_LOG : CUDNN_SOFTMAX_ACCURATE;
  return [algorithm](const Exec& exec, const Tensors& t) -> Call {
    return [=, d = described(t[0]), f = VendorFactors(t[0].dtype)] {
      MYLOS_CUDNN(cudnnSoftmaxForward(handle_on(exec), algorithm, CUDNN_SOFTMAX_MODE_INSTANCE, f.one(), d.get(),
                                      t[0].data, f.zero(), d.get(), t[1].data));
    };
  };
}

Bind activation_by(VendorActivation activation) {
  const cudnnActivationMode_t mode = activation == VendorActivation::relu      ? CUDNN_ACTIVATION_RELU
                                     : activation == VendorActivation::sigmoid ? CUDNN_ACTIVATION_SIGMOID
                                     : activation == VendorActivation::tanh    ? CUDNN_ACTIVATION_TANH
                                                                               : CUDNN_ACTIVATION_SWISH;
  return [mode](const Exec& exec, const Tensors& t) -> Call {
    cudnnActivationDescriptor_t raw = nullptr;
    MYLOS_CUDNN(cudnnCreateActivationDescriptor(&raw));
    const std::shared_ptr<cudnnActivationStruct> a(raw, cudnnDestroyActivationDescriptor);
    MYLOS_CUDNN(cudnnSetActivationDescriptor(raw, mode, CUDNN_PROPAGATE_NAN, 0.0));
    if (mode == CUDNN_ACTIVATION_SWISH) MYLOS_CUDNN(cudnnSetActivationDescriptorSwishBeta(raw, 1.0));
    return [=, d = described(t[0]), f = VendorFactors(t[0].dtype)] {
      MYLOS_CUDNN(
          cudnnActivationForward(handle_on(exec), a.get(), f.one(), d.get(), t[0].data, f.zero(), d.get(), t[1].data));
    };
  };
}

Bind batch_norm_training() {
  return [](const Exec& exec, const Tensors& t) -> Call {
    const TensorDescriptor d = described(t[0]);
    cudnnTensorDescriptor_t raw = nullptr;
    MYLOS_CUDNN(cudnnCreateTensorDescriptor(&raw));
    const TensorDescriptor parameters(raw, cudnnDestroyTensorDescriptor);
    MYLOS_CUDNN(cudnnDeriveBNTensorDescriptor(raw, d.get(), CUDNN_BATCHNORM_SPATIAL));
    return [=, f = VendorFactors(t[0].dtype)] {
      MYLOS_CUDNN(cudnnBatchNormalizationForwardTraining(
          handle_on(exec), CUDNN_BATCHNORM_SPATIAL, f.one(), f.zero(), d.get(), t[0].data, d.get(), t[1].data,
          parameters.get(), t[2].data, t[3].data, 0.1, t[4].data, t[5].data, 1e-5, nullptr, nullptr));
    };
  };
}

#undef MYLOS_CUDNN

}  // namespace

VendorLibrary cudnn() {
  return {"cudnn", [](DType) { return true; }, softmax_by, activation_by, batch_norm_training};
}

}  // namespace mylos::bench

#endif
