# mylos_target_warnings(<target>): the warnings every Mylos target is compiled with.
# MYLOS_WERROR makes them errors; Kokkos and the other dependencies are system includes and stay silent.

set(MYLOS_GNU_WARNINGS
    -Wall
    -Wextra
    -Wpedantic
    -Wconversion
    -Wshadow
    -Wnon-virtual-dtor
    -Woverloaded-virtual
    -Wold-style-cast)

function(mylos_target_warnings target)
  set(warnings ${MYLOS_GNU_WARNINGS})
  if(MYLOS_BACKEND STREQUAL "cuda")
    # The host compiler sees what nvcc wrote, where the stricter ones fire on generated code.
    set(warnings -Wall -Wextra -Wconversion)
  endif()
  if(MYLOS_BACKEND STREQUAL "hip")
    # Clang reports each loop it could not unroll as asked; Kokkos asks in every kernel.
    list(APPEND warnings -Wno-pass-failed)
  endif()
  set(cuda_warnings "-Xcompiler=-Wall,-Wextra")
  if(MYLOS_WERROR)
    list(APPEND warnings -Werror)
    list(APPEND cuda_warnings "-Xcompiler=-Werror" "-Werror=all-warnings")
  endif()
  target_compile_options(
    ${target} PRIVATE "$<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:${warnings}>"
                      "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:${cuda_warnings}>")
endfunction()
