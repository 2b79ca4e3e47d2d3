# The test install.consumer: installs the build, then configures, builds and tests the project beside this file against
# the install tree alone. Run by ctest, which gives build_dir, config, work_dir and the rest of the outer configuration.

set(prefix "${work_dir}/prefix")
set(consumer "${work_dir}/build")
file(REMOVE_RECURSE "${work_dir}")

include("${CMAKE_CURRENT_LIST_DIR}/steps.cmake")

step("${CMAKE_COMMAND}" --install "${build_dir}" --config "${config}" --prefix "${prefix}")
# A module is read by the compiler that wrote it.
set(fortran "")
if(fortran_compiler)
  set(fortran "-DCMAKE_Fortran_COMPILER=${fortran_compiler}")
endif()
# What the package looks for, where this build found it.
set(found "")
foreach(package IN ITEMS rocblas hip)
  if(${package}_dir)
    list(APPEND found "-D${package}_DIR=${${package}_dir}")
  endif()
endforeach()
step("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${consumer}" -G "${generator}"
     "-DCMAKE_BUILD_TYPE=${config}" "-DCMAKE_CXX_COMPILER=${cxx_compiler}" "-DCMAKE_CXX_FLAGS=${cxx_flags}"
     "-DCMAKE_CXX_FLAGS_DEBUG=${cxx_flags_debug}" "-DCMAKE_PREFIX_PATH=${prefix}" "-DKokkos_DIR=${kokkos_dir}" ${fortran}
     ${found})
step("${CMAKE_COMMAND}" --build "${consumer}" --config "${config}")
step("${CMAKE_CTEST_COMMAND}" --test-dir "${consumer}" -C "${config}" --output-on-failure --no-tests=error)
