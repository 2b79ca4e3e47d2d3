// Lets loops over the C library's elementary functions become calls of glibc's vector forms (libmvec, glibc >= 2.35 on
// x86-64). glibc declares them so only under -ffast-math, which would also change what NaN and infinity do; the
// functions themselves honour both. Include before anything that uses the functions in a loop.
#pragma once

#include <cmath>

#if defined(MYLOS_HAVE_LIBMVEC) && defined(__GNUC__) && !defined(__clang__)
#define MYLOS_VECTOR_FORM __attribute__((simd("notinbranch"), const, nothrow))
extern "C" {
#define MYLOS_DECLARE(name)                       \
  double name(double) noexcept MYLOS_VECTOR_FORM; \
  float name##f(float) noexcept MYLOS_VECTOR_FORM;
MYLOS_DECLARE(exp)
MYLOS_DECLARE(expm1)
MYLOS_DECLARE(log)
MYLOS_DECLARE(log1p)
MYLOS_DECLARE(tanh)
MYLOS_DECLARE(erf)
MYLOS_DECLARE(erfc)
MYLOS_DECLARE(sin)
MYLOS_DECLARE(cos)
#undef MYLOS_DECLARE
double pow(double, double) noexcept MYLOS_VECTOR_FORM;
float powf(float, float) noexcept MYLOS_VECTOR_FORM;
}
#undef MYLOS_VECTOR_FORM
#endif
