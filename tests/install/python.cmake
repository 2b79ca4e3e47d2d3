# The test install.python: builds the extension module of python/ against what `cmake --install` leaves, in a virtual
# environment of its own, installs it there and runs its tests. Run by ctest, which gives build_dir, config, work_dir,
# python and the rest of the outer configuration. Without venv or without the packages it says so and is skipped.

set(prefix "${work_dir}/prefix")
set(package "${work_dir}/package")
set(environment "${work_dir}/environment")
file(MAKE_DIRECTORY "${work_dir}")

function(run out)
  execute_process(
    COMMAND ${ARGN}
    RESULT_VARIABLE status
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  set(${out} "${status}" PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(step)
  run(status ${ARGN})
  set(output "${output}" PARENT_SCOPE)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(NOTICE "${output}")
    message(FATAL_ERROR "ended with ${status}: ${command}")
  endif()
endfunction()

if(NOT EXISTS "${environment}/bin/pytest")
  file(REMOVE_RECURSE "${environment}")
  run(status "${python}" -m venv --system-site-packages "${environment}")
  if(status EQUAL 0)
    run(status "${environment}/bin/python" -m pip install --quiet --disable-pip-version-check --ignore-installed numpy pytest nanobind)
  endif()
  if(NOT status EQUAL 0)
    file(REMOVE_RECURSE "${environment}")
    message(NOTICE "SKIPPED: no virtual environment with NumPy, pytest and nanobind can be made here:\n${output}")
    return()
  endif()
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
