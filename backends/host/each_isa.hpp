// Includes MYLOS_VECTORS_OF, a file with inner loops in vectors, once for each instruction set: with the struct's name
// in MYLOS_VECTORS and the functions' attribute in MYLOS_VECTORS_ATTRIBUTE. No #pragma once. Within x86-64 and a
// namespace without a name.
//
// Such a file has no templates that others share: the compiler cuts vectors to what the function that they stand in may
// use, before it inlines anything.

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector) && __has_builtin(__builtin_convertvector)
#define MYLOS_HAVE_VECTORS
#endif
#endif

#ifdef MYLOS_HAVE_VECTORS
#define MYLOS_VECTORS Sse2Vectors
#define MYLOS_VECTORS_ATTRIBUTE
#include MYLOS_VECTORS_OF
#undef MYLOS_VECTORS
#undef MYLOS_VECTORS_ATTRIBUTE
#define MYLOS_VECTORS Avx2Vectors
#define MYLOS_VECTORS_ATTRIBUTE MYLOS_ISA_AVX2
#include MYLOS_VECTORS_OF
#undef MYLOS_VECTORS
#undef MYLOS_VECTORS_ATTRIBUTE
#define MYLOS_VECTORS Avx512Vectors
#define MYLOS_VECTORS_ATTRIBUTE MYLOS_ISA_AVX512
#include MYLOS_VECTORS_OF
#undef MYLOS_VECTORS
#undef MYLOS_VECTORS_ATTRIBUTE
#else
using Sse2Vectors = detail::OneByOne;
using Avx2Vectors = detail::OneByOne;
using Avx512Vectors = detail::OneByOne;
#endif

#undef MYLOS_VECTORS_OF
#undef MYLOS_HAVE_VECTORS
