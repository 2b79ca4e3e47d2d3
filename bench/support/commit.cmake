# Run at every build: writes the commit, with "+" where the tree differs from it, into HEADER if that changes.
execute_process(
  COMMAND git describe --always --abbrev=12 --exclude=* --dirty=+
  WORKING_DIRECTORY "${SOURCE_DIR}"
  OUTPUT_VARIABLE commit
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT "${HEADER}" CONTENT "#define MYLOS_BENCH_COMMIT \"${commit}\"\n")
