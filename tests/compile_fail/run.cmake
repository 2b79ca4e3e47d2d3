# Builds target, made of the one file source, and succeeds when the compiler refuses it with the expected words.

file(STRINGS "${source}" first LIMIT_COUNT 1)
string(REGEX REPLACE "^// expect: " "" expected "${first}")

execute_process(
  COMMAND "${CMAKE_COMMAND}" --build "${build_dir}" --config "${config}" --target "${target}"
  RESULT_VARIABLE status
  OUTPUT_VARIABLE output
  ERROR_VARIABLE output)
if(status EQUAL 0)
  message(FATAL_ERROR "${source} compiled; expected an error that matches: ${expected}")
elseif(NOT output MATCHES "error")
  message(NOTICE "${output}")
  message(FATAL_ERROR "${source} did not reach the compiler")
endif()

# Only what the compiler says counts: the command line and the quoted source also hold the words.
string(REGEX MATCHALL "[^\n]*(error|required from|note):[^\n]*" said "${output}")
if(NOT said MATCHES "${expected}")
  message(NOTICE "${output}")
  message(FATAL_ERROR "${source} was refused, but not with a message that matches: ${expected}")
endif()
message(STATUS "refused as expected: ${expected}")
