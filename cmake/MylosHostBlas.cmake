# Optional libraries for matrix products on the host: oneDNN (f32) and OpenBLAS (f32 and f64).
#
# They are called by single threads of the Kokkos instance, each on a part of its own, so they need no threads. Those of
# OpenBLAS' pthread build would fight with Kokkos': it is used only where it has one thread at run time, its OpenMP and
# serial builds always (Debian: libopenblas-openmp-dev, libopenblas-serial-dev).
#
# Out: mylos_host_libraries, mylos_host_definitions; MYLOS_USES_ONEDNN and MYLOS_USES_OPENBLAS for the package.

option(MYLOS_ONEDNN "Use oneDNN for matrix products on the host where it is found" ON)
option(MYLOS_OPENBLAS "Use OpenBLAS for matrix products on the host where it is found" ON)

set(mylos_host_libraries "")
set(mylos_host_definitions "")
set(MYLOS_USES_ONEDNN OFF)
set(MYLOS_USES_OPENBLAS OFF)

if(MYLOS_ONEDNN)
  find_package(dnnl CONFIG QUIET)
  if(dnnl_FOUND)
    set(MYLOS_USES_ONEDNN ON)
    list(APPEND mylos_host_libraries DNNL::dnnl)
    list(APPEND mylos_host_definitions MYLOS_HAVE_ONEDNN=1)
    message(STATUS "oneDNN ${dnnl_VERSION}: ${dnnl_DIR}")
  else()
    message(STATUS "oneDNN: not found (Debian: libdnnl-dev)")
  endif()
endif()

if(MYLOS_OPENBLAS)
  find_path(MYLOS_OPENBLAS_INCLUDE_DIR openblas_config.h PATH_SUFFIXES openblas openblas-openmp openblas-serial
                                                                       openblas-pthread)
  find_library(MYLOS_OPENBLAS_LIBRARY openblas PATH_SUFFIXES openblas-openmp openblas-serial)
  mark_as_advanced(MYLOS_OPENBLAS_INCLUDE_DIR MYLOS_OPENBLAS_LIBRARY)
  if(MYLOS_OPENBLAS_INCLUDE_DIR AND MYLOS_OPENBLAS_LIBRARY)
    set(MYLOS_USES_OPENBLAS ON)
    list(APPEND mylos_host_libraries "${MYLOS_OPENBLAS_LIBRARY}")
    list(APPEND mylos_host_definitions MYLOS_HAVE_OPENBLAS=1)
    message(STATUS "OpenBLAS: ${MYLOS_OPENBLAS_LIBRARY}")
  else()
    message(STATUS "OpenBLAS: not found (Debian: libopenblas-openmp-dev)")
  endif()
endif()
