# Optional libraries of ROCm, for preset hip: rocBLAS for matrix products. Looked for where the user says
# (CMAKE_PREFIX_PATH, rocblas_ROOT), and where ROCm is usually installed.
#
# Out: MYLOS_HAVE_ROCBLAS; roc::rocblas where that is true.

set(MYLOS_ROCBLAS AUTO CACHE STRING "rocBLAS for matrix products on AMD GPUs: AUTO (where it is found), ON or OFF")
set_property(CACHE MYLOS_ROCBLAS PROPERTY STRINGS AUTO ON OFF)

set(MYLOS_HAVE_ROCBLAS FALSE)
if(MYLOS_ROCBLAS)
  list(APPEND CMAKE_PREFIX_PATH $ENV{ROCM_PATH} /opt/rocm) # for what it depends on, too
  find_package(rocblas CONFIG QUIET)
  if(rocblas_FOUND)
    set(MYLOS_HAVE_ROCBLAS TRUE)
    message(STATUS "rocBLAS ${rocblas_VERSION}: ${rocblas_DIR}")
  elseif(MYLOS_ROCBLAS STREQUAL "AUTO")
    message(STATUS "rocBLAS: not found (rocblas_ROOT may say where); matrix products are Mylos' own")
  else()
    message(FATAL_ERROR "MYLOS_ROCBLAS is ${MYLOS_ROCBLAS}, and rocBLAS was not found: set rocblas_ROOT, or MYLOS_ROCBLAS=OFF.")
  endif()
endif()
