// MIOpen's own softmax, activations and batch norm on the same tensors, where it was found.
#include "suite/cases/vendor_peers.hpp"

#if defined(MYLOS_HAVE_MIOPEN) && defined(KOKKOS_ENABLE_HIP)

#include <miopen/miopen.h>

#include <memory>
#include <stdexcept>

namespace mylos::bench {
namespace {

void check(miopenStatus_t status, const char* function) {
  if (status != miopenStatusSuccess)
    throw std::runtime_error(std::string("miopen: ") + function + ": " + miopenGetErrorString(status));
}
#define MYLOS_MIOPEN(call) check(call, #call)

miopenHandle_t handle_on(const Exec& exec) {
  static miopenHandle_t handle = [&] {
    miopenHandle_t made = nullptr;
    MYLOS_MIOPEN(miopenCreateWithStream(&made, exec.hip_stream()));
    return made;
  }();
  MYLOS_MIOPEN(miopenSetStream(handle, exec.hip_stream()));
  return handle;
}

using TensorDescriptor = std::shared_ptr<miopenTensorDescriptor>;
TensorDescriptor described(const Tensor& t) {
  miopenTensorDescriptor_t raw = nullptr;
  MYLOS_MIOPEN(miopenCreateTensorDescriptor(&raw));
  TensorDescriptor d(raw, miopenDestroyTensorDescriptor);
  const FourExtents e(t);
  MYLOS_MIOPEN(miopenSet4dTensorDescriptor(raw, t.dtype == DType::f16 ? miopenHalf : miopenFloat, e.n, e.c, e.h, 1));
  return d;
}

/// The factors of what is computed and of what was there.
struct Factors {
  float one = 1;
  float zero = 0;
};

Bind softmax_by(bool log) {
  const miopenSoftmaxAlgorithm_t algorithm = log ? MIOPEN_SOFTMAX_LOG : MIOPEN_SOFTMAX_ACCURATE;
  return [algorithm](const Exec& exec, const Tensors& t) -> Call {
    return [=, d = described(t[0]), f = Factors()] {
      MYLOS_MIOPEN(miopenSoftmaxForward_V2(handle_on(exec), &f.one, d.get(), t[0].data, &f.zero, d.get(), t[1].data,
                                           algorithm, MIOPEN_SOFTMAX_MODE_INSTANCE));
    };
  };
}

Bind activation_by(VendorActivation activation) {
  if (activation == VendorActivation::silu) return {};
  const miopenActivationMode_t mode = activation == VendorActivation::relu      ? miopenActivationRELU
                                      : activation == VendorActivation::sigmoid ? miopenActivationLOGISTIC
                                                                                : miopenActivationTANH;
  return [mode](const Exec& exec, const Tensors& t) -> Call {
    miopenActivationDescriptor_t raw = nullptr;
    MYLOS_MIOPEN(miopenCreateActivationDescriptor(&raw));
    const std::shared_ptr<miopenActivationDescriptor> a(raw, miopenDestroyActivationDescriptor);
    MYLOS_MIOPEN(miopenSetActivationDescriptor(raw, mode, 1, 1, 0));  // tanh's two factors
    return [=, d = described(t[0]), f = Factors()] {
      MYLOS_MIOPEN(
          miopenActivationForward(handle_on(exec), a.get(), &f.one, d.get(), t[0].data, &f.zero, d.get(), t[1].data));
    };
  };
}

Bind batch_norm_training() {
  return [](const Exec& exec, const Tensors& t) -> Call {
    const TensorDescriptor d = described(t[0]);
    miopenTensorDescriptor_t raw = nullptr;
    MYLOS_MIOPEN(miopenCreateTensorDescriptor(&raw));
    const TensorDescriptor parameters(raw, miopenDestroyTensorDescriptor);
    MYLOS_MIOPEN(miopenDeriveBNTensorDescriptor(raw, d.get(), miopenBNSpatial));
    return [=, f = Factors()]() mutable {
      MYLOS_MIOPEN(miopenBatchNormalizationForwardTraining(
          handle_on(exec), miopenBNSpatial, &f.one, &f.zero, d.get(), t[0].data, d.get(), t[1].data, parameters.get(),
          t[2].data, t[3].data, 0.1, t[4].data, t[5].data, 1e-5, nullptr, nullptr));
    };
  };
}

#undef MYLOS_MIOPEN

}  // namespace

VendorLibrary miopen() {
  return {"miopen", [](DType dtype) { return dtype == DType::f32 || dtype == DType::f16; }, softmax_by, activation_by,
          batch_norm_training};
}

}  // namespace mylos::bench

#endif
