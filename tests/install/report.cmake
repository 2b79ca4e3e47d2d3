# The test install.report: installs mylos-report (bench/report) into a virtual environment of its own and runs its tests,
# those in a browser where there is one. Run by ctest, which gives work_dir and python. Without venv or without the
# packages it says so and is skipped.

include("${CMAKE_CURRENT_LIST_DIR}/steps.cmake")
set(source "${CMAKE_CURRENT_LIST_DIR}/../../bench/report")

make_environment(made "jinja2>=3.0" "rich>=12" "scipy>=1.9" "selenium>=4" "setuptools>=64" wheel pytest)
if(NOT made)
  return()
endif()

# From a copy: setuptools leaves its build beside the sources.
file(REMOVE_RECURSE "${work_dir}/copy")
file(COPY "${source}/pyproject.toml" "${source}/mylos_report" DESTINATION "${work_dir}/copy" PATTERN __pycache__ EXCLUDE)
step("${environment}/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation
     --force-reinstall "${work_dir}/copy")
step("${environment}/bin/mylos-report" --help)
step("${CMAKE_COMMAND}" -E env PYTHONDONTWRITEBYTECODE=1 "${environment}/bin/python" -m pytest -q -rs -p no:cacheprovider
     "${source}/tests")
# The summary, in which skipped tests are named.
message(NOTICE "${output}")
