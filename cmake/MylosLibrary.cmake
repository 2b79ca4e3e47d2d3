# The target `mylos` (Mylos::mylos) and its parts. mylos_add_operator() adds the sources of an operator,
# mylos_finish_library() puts the parts together.
#
#   mylos        src/, backends/hip: all that uses Kokkos, compiled as Kokkos wants it (nvcc_wrapper, its launch
#                compiler, hipcc)
#   mylos_host   backends/host: nothing of Kokkos, compiled by the host compiler whatever the backend; with intrinsics,
#                which a device compiler would refuse
#   mylos_cuda   backends/cuda: nothing of Kokkos, compiled by nvcc (MylosCudaKernels.cmake)
#
# The parts are object libraries: as libraries they would have to be installed and named beside mylos.

include(MylosLibmvec)
include(MylosHostBlas)

# What every part is compiled with.
function(mylos_set_private_options target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/backends")
  mylos_target_warnings(${target})
  # Loops over math functions vectorise only when a call may neither set errno nor trap. Neither flag changes a result;
  # -ffast-math does and is not used. -fopenmp-simd is for `#pragma omp simd` in sources that are not built for OpenMP;
  # in device code for AMD it calls for a runtime that is not there.
  set(options -fno-math-errno -fno-trapping-math)
  if(NOT MYLOS_BACKEND STREQUAL "hip" OR target STREQUAL "mylos_host")
    list(APPEND options -fopenmp-simd)
  endif()
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:${options}>")
  if(MYLOS_HAVE_LIBMVEC)
    target_compile_definitions(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:MYLOS_HAVE_LIBMVEC=1>")
  endif()
endfunction()

file(GLOB mylos_core_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/core/*.cpp")
add_library(mylos ${mylos_core_sources})
add_library(Mylos::mylos ALIAS mylos)
mylos_set_private_options(mylos)
set_target_properties(mylos PROPERTIES VERSION ${PROJECT_VERSION}
                                       SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_compile_features(mylos PUBLIC cxx_std_17)
target_include_directories(mylos PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
                                        "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_link_libraries(mylos PUBLIC Kokkos::kokkos)
if(MYLOS_HAVE_LIBMVEC)
  target_link_libraries(mylos PRIVATE mvec)
endif()

add_library(mylos_host OBJECT "${PROJECT_SOURCE_DIR}/backends/host/map_blocks.cpp")
mylos_set_private_options(mylos_host)
target_compile_features(mylos_host PRIVATE cxx_std_17)
target_include_directories(mylos_host PRIVATE "${PROJECT_SOURCE_DIR}/include")
target_compile_definitions(mylos_host PRIVATE ${mylos_host_definitions})
if(NOT "${MYLOS_HOST_ISA}" MATCHES "^(avx512|avx2|sse2)(;(avx512|avx2|sse2))*$")
  message(FATAL_ERROR "MYLOS_HOST_ISA is '${MYLOS_HOST_ISA}', expected a list of avx512, avx2 and sse2")
endif()
target_compile_definitions(mylos_host PRIVATE MYLOS_HOST_ISA_CHOSEN)
foreach(isa IN LISTS MYLOS_HOST_ISA)
  target_compile_definitions(mylos_host PRIVATE MYLOS_HOST_ISA_${isa}=1)
endforeach()
target_link_libraries(mylos_host PRIVATE ${mylos_host_libraries})
target_include_directories(mylos_host SYSTEM PRIVATE ${mylos_host_includes})
target_link_libraries(mylos PRIVATE ${mylos_host_libraries})
if(MYLOS_BACKEND STREQUAL "hip")
  target_compile_options(mylos_host PRIVATE "SHELL:-x c++")
elseif(MYLOS_BACKEND STREQUAL "cuda" AND CMAKE_CXX_COMPILER MATCHES "nvcc_wrapper$")
  target_compile_options(mylos_host PRIVATE --host-only)
endif()

if(MYLOS_BACKEND STREQUAL "hip")
  include(MylosRocm)
  # What the operators share lies in folders of its own.
  file(GLOB mylos_hip_shared_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/backends/hip/*/*.cpp")
  target_sources(mylos PRIVATE ${mylos_hip_shared_sources})
  if(MYLOS_HAVE_ROCBLAS)
    target_compile_definitions(mylos PRIVATE MYLOS_HAVE_ROCBLAS=1)
    target_link_libraries(mylos PRIVATE roc::rocblas)
  endif()
endif()

if(MYLOS_BACKEND STREQUAL "cuda")
  include(MylosCudaKernels)
elseif(MYLOS_BACKEND STREQUAL "hip" AND Kokkos_HIP_ARCHITECTURES)
  # Kokkos names the GPU when it compiles but not when it links, and not at all for mylos_host, where it does not matter;
  # unless it is named hipcc looks for one in this machine.
  target_compile_options(mylos_host PRIVATE -Wno-unused-command-line-argument)
  foreach(architecture IN LISTS Kokkos_HIP_ARCHITECTURES)
    target_compile_options(mylos_host PRIVATE --offload-arch=${architecture})
    target_link_options(mylos PUBLIC "$<$<LINK_LANGUAGE:CXX>:--offload-arch=${architecture}>")
  endforeach()
endif()

function(mylos_finish_library)
  target_sources(mylos PRIVATE $<TARGET_OBJECTS:mylos_host>)
  if(TARGET mylos_cuda)
    target_sources(mylos PRIVATE $<TARGET_OBJECTS:mylos_cuda>)
    target_compile_definitions(mylos PRIVATE MYLOS_HAVE_CUDA_KERNELS=1)
    # The C++ compiler links; Kokkos brings the CUDA runtime too, this says that the kernels need it themselves.
    set_target_properties(mylos PROPERTIES LINKER_LANGUAGE CXX)
    target_link_libraries(mylos PRIVATE CUDA::cudart CUDA::cublas)
  endif()
endfunction()
