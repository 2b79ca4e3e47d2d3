// Qualifiers shared by host, CUDA and HIP compilations; free of any vendor's headers.
#pragma once

#if defined(__CUDACC__) || defined(__HIPCC__)
#define MYLOS_HOST_DEVICE __host__ __device__
#define MYLOS_DEVICE __device__
#else
#define MYLOS_HOST_DEVICE
#define MYLOS_DEVICE
#endif

// Always inlined: a copy that the linker could merge would let code compiled for one instruction set reach another.
#define MYLOS_FUNCTION MYLOS_HOST_DEVICE inline __attribute__((always_inline))

#define MYLOS_NOINLINE __attribute__((noinline))

#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
#define MYLOS_DEVICE_CODE 1
#else
#define MYLOS_DEVICE_CODE 0
#endif

#if MYLOS_DEVICE_CODE
#define MYLOS_UNROLL _Pragma("unroll")
#define MYLOS_NO_UNROLL _Pragma("unroll 1")
#else
#define MYLOS_UNROLL
#define MYLOS_NO_UNROLL
#endif
