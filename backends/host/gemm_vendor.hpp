// Matrix products by oneDNN and OpenBLAS, called by single threads of the instance.
//
// A library's own threads would not be the instance's, and would fight with them: each call is made by one thread on a
// part of its own, with OpenMP told that there is but one.
#pragma once

#include "gemm/problem.hpp"

#if defined(MYLOS_HAVE_ONEDNN)
#include <dnnl.h>
#endif
#if defined(MYLOS_HAVE_OPENBLAS)
#include <cblas.h>
#endif

// Of the OpenMP runtime that the process has; null where there is none.
extern "C" {
__attribute__((weak)) void omp_set_num_threads(int);
__attribute__((weak)) int omp_get_max_threads();
}

namespace mylos::host {

/// While it lives the parallel regions that this thread opens have one thread.
class OneThread {
 public:
  OneThread() : known_(omp_set_num_threads != nullptr && omp_get_max_threads != nullptr) {
    if (!known_) return;
    previous_ = omp_get_max_threads();
    omp_set_num_threads(1);
  }
  ~OneThread() {
    if (known_) omp_set_num_threads(previous_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  bool known_;
  int previous_ = 1;
};

/// A factor as the libraries take it, row-major: element (i, q) at i * ld + q, or at q * ld + i where it is turned.
template <class T>
struct VendorFactor {
  const T* data;
  int ld;
  bool turned;
};

#if defined(MYLOS_HAVE_OPENBLAS)
struct OpenBlas {
  static constexpr const char* label = "mylos::gemm[host/openblas]";

  /// Null, or why its threads are in the way.
  static const char* refuse_threads() {
    if (openblas_get_parallel() == OPENBLAS_THREAD && openblas_get_num_threads() > 1)
      return "this OpenBLAS has threads of its own: take its OpenMP or serial build, or set OPENBLAS_NUM_THREADS=1";
    return nullptr;
  }

  /// c = alpha a b + beta c, row-major; a is m x k, b is k x n, given as columns (j, q).
  static void gemm(int m, int n, int k, float alpha, const VendorFactor<float>& a, const VendorFactor<float>& b,
                   float beta, float* c, int ld) {
    if (m == 1)
      return cblas_sgemv(CblasRowMajor, b.turned ? CblasTrans : CblasNoTrans, b.turned ? k : n, b.turned ? n : k, alpha,
                         b.data, b.ld, a.data, a.turned ? a.ld : 1, beta, c, 1);
    cblas_sgemm(CblasRowMajor, a.turned ? CblasTrans : CblasNoTrans, b.turned ? CblasNoTrans : CblasTrans, m, n, k,
                alpha, a.data, a.ld, b.data, b.ld, beta, c, ld);
  }
  static void gemm(int m, int n, int k, double alpha, const VendorFactor<double>& a, const VendorFactor<double>& b,
                   double beta, double* c, int ld) {
    if (m == 1)
      return cblas_dgemv(CblasRowMajor, b.turned ? CblasTrans : CblasNoTrans, b.turned ? k : n, b.turned ? n : k, alpha,
                         b.data, b.ld, a.data, a.turned ? a.ld : 1, beta, c, 1);
    cblas_dgemm(CblasRowMajor, a.turned ? CblasTrans : CblasNoTrans, b.turned ? CblasNoTrans : CblasTrans, m, n, k,
                alpha, a.data, a.ld, b.data, b.ld, beta, c, ld);
  }
};
#endif

#if defined(MYLOS_HAVE_ONEDNN)
struct OneDnn {
  static constexpr const char* label = "mylos::gemm[host/onednn]";

  static const char* refuse_threads() {
    const unsigned runtime = dnnl_version()->cpu_runtime;
    return runtime == DNNL_RUNTIME_SEQ || runtime == DNNL_RUNTIME_OMP
               ? nullptr
               : "this oneDNN has threads of its own: take a build with OpenMP or without threads";
  }

  static void gemm(int m, int n, int k, float alpha, const VendorFactor<float>& a, const VendorFactor<float>& b,
                   float beta, float* c, int ld) {
    (void)dnnl_sgemm(a.turned ? 'T' : 'N', b.turned ? 'N' : 'T', m, n, k, alpha, a.data, a.ld, b.data, b.ld, beta, c,
                     ld);
  }
};
#endif

}  // namespace mylos::host
