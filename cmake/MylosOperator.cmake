# mylos_add_operator(<stem>): one operator, found by its stem in every folder.
#
#   src/<stem>/*.cpp            the public call and the Kokkos kernel; <stem>.cpp must exist
#   backends/host/<stem>*.cpp   hand-written specializations, where there are any
#   backends/cuda/<stem>*.cu    likewise, preset cuda
#   backends/hip/<stem>*.cpp    likewise, preset hip
#
# An operator without a test, a reference or a benchmark is refused here, so that none is forgotten.

function(mylos_add_operator stem)
  set(root "${PROJECT_SOURCE_DIR}")
  foreach(required IN ITEMS "src/${stem}/${stem}.cpp" "tests/${stem}.cpp" "tests/reference/${stem}.hpp" "bench/${stem}.cpp")
    if(NOT EXISTS "${root}/${required}")
      message(FATAL_ERROR "Operator '${stem}' has no ${required}: mylos_add_operator(${stem}) needs it.")
    endif()
  endforeach()

  file(GLOB sources CONFIGURE_DEPENDS "${root}/src/${stem}/*.cpp")
  file(GLOB host_sources CONFIGURE_DEPENDS "${root}/backends/host/${stem}*.cpp")
  target_sources(mylos PRIVATE ${sources})
  target_sources(mylos_host PRIVATE ${host_sources})

  if(MYLOS_BACKEND STREQUAL "cuda")
    file(GLOB cuda_sources CONFIGURE_DEPENDS "${root}/backends/cuda/${stem}*.cu")
    target_sources(mylos_cuda PRIVATE ${cuda_sources})
  elseif(MYLOS_BACKEND STREQUAL "hip")
    # hipcc compiles C++ and kernels alike, so these need no language of their own.
    file(GLOB hip_sources CONFIGURE_DEPENDS "${root}/backends/hip/${stem}*.cpp")
    target_sources(mylos PRIVATE ${hip_sources})
  endif()
endfunction()
