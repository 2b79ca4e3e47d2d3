# Install and the package that find_package(Mylos) loads.

include(CMakePackageConfigHelpers)

set(mylos_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Mylos")

install(TARGETS mylos EXPORT MylosTargets)
install(
  DIRECTORY "${PROJECT_SOURCE_DIR}/include/mylos"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING
  PATTERN "*.hpp"
  PATTERN "*.h"
  PATTERN "*.def")
install(
  EXPORT MylosTargets
  NAMESPACE Mylos::
  DESTINATION "${mylos_package_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/MylosConfig.cmake.in" "${PROJECT_BINARY_DIR}/MylosConfig.cmake"
                              INSTALL_DESTINATION "${mylos_package_dir}")
# Before 1.0 a minor version may break its users.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/MylosConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/MylosConfig.cmake" "${PROJECT_BINARY_DIR}/MylosConfigVersion.cmake"
        DESTINATION "${mylos_package_dir}")

if(MYLOS_KOKKOS_IS_PROVIDED)
  install(
    CODE "message(STATUS \"This Mylos uses the Kokkos in ${MYLOS_KOKKOS_PREFIX}: keep that folder, and give a project that finds Mylos -DKokkos_ROOT=${MYLOS_KOKKOS_PREFIX}\")"
  )
endif()
