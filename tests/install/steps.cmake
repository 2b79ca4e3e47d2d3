# What the install tests share: commands that must work, and a virtual environment of a test's own. Whoever includes this
# has work_dir, and python for an environment.

set(environment "${work_dir}/environment")
file(MAKE_DIRECTORY "${work_dir}")

# Leaves what the command printed in `output`.
function(run out)
  execute_process(
    COMMAND ${ARGN}
    RESULT_VARIABLE status
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  set(${out} "${status}" PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

# A command that must end with 0; what it printed is in `output`, and on the console if it did not.
function(step)
  run(status ${ARGN})
  set(output "${output}" PARENT_SCOPE)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(NOTICE "${output}")
    message(FATAL_ERROR "ended with ${status}: ${command}")
  endif()
endfunction()

# Fills `environment` with packages from PyPI unless an earlier run has. Where that cannot be done it says so, and `out`
# is false: the test is skipped.
function(make_environment out)
  set(${out} TRUE PARENT_SCOPE)
  if(EXISTS "${environment}/complete")
    return()
  endif()
  file(REMOVE_RECURSE "${environment}")
  run(status "${python}" -m venv --system-site-packages "${environment}")
  if(status EQUAL 0)
    run(status "${environment}/bin/python" -m pip install --quiet --disable-pip-version-check --ignore-installed ${ARGN})
  endif()
  if(status EQUAL 0)
    file(TOUCH "${environment}/complete")
  else()
    file(REMOVE_RECURSE "${environment}")
    list(JOIN ARGN ", " packages)
    message(NOTICE "SKIPPED: no virtual environment with ${packages} can be made here:\n${output}")
    set(${out} FALSE PARENT_SCOPE)
  endif()
endfunction()
