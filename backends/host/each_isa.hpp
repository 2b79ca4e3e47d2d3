// Includes MYLOS_VECTORS_OF, a file with inner loops in vectors, once for each instruction set: with the struct's name
// in MYLOS_VECTORS, the functions' attribute in MYLOS_VECTORS_ATTRIBUTE and a register's bytes in MYLOS_VECTORS_BYTES.
// No #pragma once. Within x86-64 and a namespace without a name.
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
#define MYLOS_VECTORS_BYTES 16
#include MYLOS_VECTORS_OF
#undef MYLOS_VECTORS
#undef MYLOS_VECTORS_ATTRIBUTE
#undef MYLOS_VECTORS_BYTES
#define MYLOS_VECTORS Avx2Vectors
#define MYLOS_VECTORS_ATTRIBUTE MYLOS_ISA_AVX2
#define MYLOS_VECTORS_BYTES 32
#include MYLOS_VECTORS_OF
#undef MYLOS_VECTORS
#undef MYLOS_VECTORS_ATTRIBUTE
#undef MYLOS_VECTORS_BYTES
#define MYLOS_VECTORS Avx512Vectors
#define MYLOS_VECTORS_ATTRIBUTE MYLOS_ISA_AVX512
#define MYLOS_VECTORS_BYTES 64
#include MYLOS_VECTORS_OF
#undef MYLOS_VECTORS
#undef MYLOS_VECTORS_ATTRIBUTE
#undef MYLOS_VECTORS_BYTES
#else
using Sse2Vectors = detail::OneByOne;
using Avx2Vectors = detail::OneByOne;
using Avx512Vectors = detail::OneByOne;
#endif

#undef MYLOS_VECTORS_OF
#undef MYLOS_HAVE_VECTORS
