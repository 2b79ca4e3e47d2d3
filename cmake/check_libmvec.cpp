// Links where the C library has the vector math functions Mylos calls; never run.
#include <immintrin.h>

extern "C" {
__m512 _ZGVeN16v_expm1f(__m512);
__m512 _ZGVeN16v_tanhf(__m512);
__m512d _ZGVeN8v_erf(__m512d);
__m256 _ZGVdN8v_erff(__m256);
__m256d _ZGVdN4v_tanh(__m256d);
}

__attribute__((target("avx512f"))) void eight_lanes(float* f, double* d) {
  _mm512_storeu_ps(f, _ZGVeN16v_tanhf(_ZGVeN16v_expm1f(_mm512_loadu_ps(f))));
  _mm512_storeu_pd(d, _ZGVeN8v_erf(_mm512_loadu_pd(d)));
}

__attribute__((target("avx2"))) void four_lanes(float* f, double* d) {
  _mm256_storeu_ps(f, _ZGVdN8v_erff(_mm256_loadu_ps(f)));
  _mm256_storeu_pd(d, _ZGVdN4v_tanh(_mm256_loadu_pd(d)));
}

int main() {
  float f[16] = {};
  double d[8] = {};
  eight_lanes(f, d);
  four_lanes(f, d);
  return f[0] == 0.0F && d[0] == 0.0 ? 0 : 1;
}
