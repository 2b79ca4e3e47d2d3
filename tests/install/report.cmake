# The test install.report: installs mylos-report (bench/report) into a virtual environment of its own and runs its tests,
# those in a browser where there is one. Run by ctest, which gives work_dir and python. Without venv or without the
# packages it says so and is skipped.

set(source "${CMAKE_CURRENT_LIST_DIR}/../../bench/report")
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

set(pip "${environment}/bin/python" -m pip install --quiet --disable-pip-version-check)
if(NOT EXISTS "${environment}/complete")
  file(REMOVE_RECURSE "${environment}")
  run(status "${python}" -m venv --system-site-packages "${environment}")
  if(status EQUAL 0)
    run(status ${pip} "jinja2>=3.0" "rich>=12" "scipy>=1.9" "selenium>=4" "setuptools>=64" wheel pytest)
  endif()
  if(NOT status EQUAL 0)
    file(REMOVE_RECURSE "${environment}")
    message(NOTICE "SKIPPED: no virtual environment with jinja2, rich, scipy, selenium and pytest can be made here:\n${output}")
    return()
  endif()
  file(TOUCH "${environment}/complete")
endif()

# From a copy: setuptools leaves its build beside the sources.
file(REMOVE_RECURSE "${work_dir}/copy")
file(COPY "${source}/pyproject.toml" "${source}/mylos_report" DESTINATION "${work_dir}/copy" PATTERN __pycache__ EXCLUDE)
run(status ${pip} --no-deps --no-build-isolation --force-reinstall "${work_dir}/copy")
if(NOT status EQUAL 0)
  message(FATAL_ERROR "mylos-report does not install:\n${output}")
endif()
run(status "${environment}/bin/mylos-report" --help)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "mylos-report does not start:\n${output}")
endif()
run(status "${CMAKE_COMMAND}" -E env PYTHONDONTWRITEBYTECODE=1 "${environment}/bin/python" -m pytest -q -rs -p
    no:cacheprovider "${source}/tests")
# The summary, in which skipped tests are named.
message(NOTICE "${output}")
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the tests of mylos-report ended with ${status}")
endif()
