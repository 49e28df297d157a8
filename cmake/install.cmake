# make install: the program, the library, its headers, medley.pc and the CMake package medley::medley.
include(CMakePackageConfigHelpers)

install(TARGETS libmedley EXPORT medley-targets)
install(DIRECTORY include/medley DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
if(TARGET medley)
  install(TARGETS medley)
endif()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/medley)
install(EXPORT medley-targets FILE medley-config.cmake NAMESPACE medley:: DESTINATION ${package_folder})
write_basic_package_version_file(medley-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/medley-config-version.cmake DESTINATION ${package_folder})

# Relocatable: the prefix is where the file is found, not where it was put.
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file(cmake/medley.pc.in medley.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/medley.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
