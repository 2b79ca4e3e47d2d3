# The test install.python: builds the extension module of python/ against what `cmake --install` leaves, in a virtual
# environment of its own, installs it there and runs its tests. Run by ctest, which gives build_dir, config, work_dir,
# python and the rest of the outer configuration. Without venv or without the packages it says so and is skipped.

include("${CMAKE_CURRENT_LIST_DIR}/steps.cmake")
set(prefix "${work_dir}/prefix")
set(package "${work_dir}/package")

make_environment(made numpy pytest nanobind)
if(NOT made)
  return()
endif()

file(REMOVE_RECURSE "${prefix}" "${package}")
step("${CMAKE_COMMAND}" --install "${build_dir}" --config "${config}" --prefix "${prefix}")
# -O1: what is tested does not depend on it, and it compiles in half the time.
step("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/../../python" -B "${work_dir}/build" -G "${generator}"
     "-DCMAKE_BUILD_TYPE=${config}" "-DCMAKE_CXX_FLAGS_RELEASE=-O1" "-DCMAKE_CXX_COMPILER=${cxx_compiler}" "-DMylos_ROOT=${prefix}"
     "-DKokkos_DIR=${kokkos_dir}" "-DPython_EXECUTABLE=${environment}/bin/python" -DMYLOS_WERROR=ON)
step("${CMAKE_COMMAND}" --build "${work_dir}/build" --config "${config}")
step("${CMAKE_COMMAND}" --install "${work_dir}/build" --config "${config}" --prefix "${package}" --component python)
step("${CMAKE_COMMAND}" -E env "PYTHONPATH=${package}" PYTHONDONTWRITEBYTECODE=1 "${environment}/bin/python" -m pytest -q -rs
     -p no:cacheprovider "${CMAKE_CURRENT_LIST_DIR}/../../python/tests")
# The summary, in which skipped tests are named.
message(NOTICE "${output}")
