# backends/cuda: the object library `mylos_cuda`, compiled by CMake's CUDA language. It needs nvcc and nothing of
# Kokkos, so it is built alone by preset cuda-kernels, for every architecture, and as a part of mylos by preset cuda.

include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(FATAL_ERROR "backends/cuda needs nvcc, which was not found: put it on PATH or set CUDACXX.")
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 90a CACHE STRING "GPU architectures for backends/cuda")
endif()
# One CUDA runtime per process: the shared one, which Kokkos links.
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)

# What the operators share lies in folders of its own.
file(GLOB mylos_cuda_shared_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/backends/cuda/*/*.cu")
add_library(mylos_cuda OBJECT ${mylos_cuda_shared_sources})
set_target_properties(mylos_cuda PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_compile_features(mylos_cuda PRIVATE cuda_std_17)
target_include_directories(mylos_cuda PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src"
                                              "${PROJECT_SOURCE_DIR}/backends")
target_link_libraries(mylos_cuda PRIVATE CUDA::cudart CUDA::cublas)
mylos_target_warnings(mylos_cuda)

# For preset cuda-kernels: every kernel source, whichever operator it belongs to.
function(mylos_add_cuda_kernels)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/backends/cuda/*.cu")
  if(NOT sources)
    message(FATAL_ERROR "backends/cuda has no kernel (*.cu) to compile.")
  endif()
  target_sources(mylos_cuda PRIVATE ${sources})
endfunction()
