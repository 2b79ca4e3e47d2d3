# Optional libraries for matrix products on the host: oneDNN (f32) and OpenBLAS (f32 and f64).
#
# They are called by single threads of the Kokkos instance, each on a part of its own, so they need no threads. Those of
# OpenBLAS' pthread build would fight with Kokkos': it is used only where it has one thread at run time, its OpenMP and
# serial builds always (Debian: libopenblas-openmp-dev, libopenblas-serial-dev).
#
# Out: mylos_host_libraries, mylos_host_definitions, mylos_host_includes.

option(MYLOS_ONEDNN "Use oneDNN for matrix products on the host where it is found" ON)
option(MYLOS_OPENBLAS "Use OpenBLAS for matrix products on the host where it is found" ON)

set(mylos_host_libraries "")
set(mylos_host_definitions "")
set(mylos_host_includes "")

if(MYLOS_ONEDNN)
  # Not by its CMake package, which in Debian asks for OpenCL.
  find_path(MYLOS_ONEDNN_INCLUDE_DIR dnnl.h)
  find_library(MYLOS_ONEDNN_LIBRARY dnnl)
  mark_as_advanced(MYLOS_ONEDNN_INCLUDE_DIR MYLOS_ONEDNN_LIBRARY)
  if(MYLOS_ONEDNN_INCLUDE_DIR AND MYLOS_ONEDNN_LIBRARY)
    list(APPEND mylos_host_libraries "${MYLOS_ONEDNN_LIBRARY}")
    list(APPEND mylos_host_definitions MYLOS_HAVE_ONEDNN=1)
    list(APPEND mylos_host_includes "${MYLOS_ONEDNN_INCLUDE_DIR}")
    message(STATUS "oneDNN: ${MYLOS_ONEDNN_LIBRARY}")
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
    list(APPEND mylos_host_libraries "${MYLOS_OPENBLAS_LIBRARY}")
    list(APPEND mylos_host_definitions MYLOS_HAVE_OPENBLAS=1)
    list(APPEND mylos_host_includes "${MYLOS_OPENBLAS_INCLUDE_DIR}")
    message(STATUS "OpenBLAS: ${MYLOS_OPENBLAS_LIBRARY}")
  else()
    message(STATUS "OpenBLAS: not found (Debian: libopenblas-openmp-dev)")
  endif()
endif()
