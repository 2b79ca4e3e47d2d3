# MYLOS_HAVE_LIBMVEC: whether the C library has the vector versions of the math functions that the host backend calls by
# name (glibc 2.35 and later on x86-64). Called by name, they are used whichever compiler builds Mylos.

if(CMAKE_CROSSCOMPILING OR NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(MYLOS_HAVE_LIBMVEC OFF CACHE INTERNAL "libmvec can be linked")
elseif(NOT DEFINED MYLOS_HAVE_LIBMVEC)
  try_compile(
    mylos_libmvec_links
    "${PROJECT_BINARY_DIR}/CMakeFiles/MylosLibmvec"
    SOURCES "${CMAKE_CURRENT_LIST_DIR}/check_libmvec.cpp"
    LINK_LIBRARIES mvec m
    OUTPUT_VARIABLE mylos_libmvec_output)
  set(MYLOS_HAVE_LIBMVEC ${mylos_libmvec_links} CACHE INTERNAL "libmvec can be linked")
  message(STATUS "Vector math functions of the C library (libmvec): ${MYLOS_HAVE_LIBMVEC}")
endif()
