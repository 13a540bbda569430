# Documentation, and what find_package(SSDMLIR) finds in an install tree:
#
#   find_package(SSDMLIR REQUIRED)                    the dialect and the passes
#   find_package(SSDMLIR REQUIRED COMPONENTS runtime) ssd_runtime, without LLVM
#
# Headers are included as in this repository: "dialect/SSD/SSDOps.h".

include(CMakePackageConfigHelpers)
set(SSD_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/SSDMLIR)

#===----------------------------------------------------------------------===#
# The runtime
#===----------------------------------------------------------------------===#

set_target_properties(ssd_runtime PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
  "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/runtime/include>;$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>;${DLPACK_INCLUDE_DIR}")
install(TARGETS ssd_runtime EXPORT SSDRuntimeTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime)
install(FILES runtime/include/ssd_runtime.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT runtime)
install(EXPORT SSDRuntimeTargets DESTINATION ${SSD_INSTALL_CMAKEDIR}
  COMPONENT runtime)

configure_package_config_file(tools/cmake/SSDMLIRConfig.cmake.in
  SSDMLIRConfig.cmake INSTALL_DESTINATION ${SSD_INSTALL_CMAKEDIR})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/SSDMLIRConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/SSDMLIRConfig.cmake
  ${PROJECT_BINARY_DIR}/SSDMLIRConfigVersion.cmake
  DESTINATION ${SSD_INSTALL_CMAKEDIR} COMPONENT runtime)

if(NOT SSD_ENABLE_COMPILER)
  return()
endif()

#===----------------------------------------------------------------------===#
# The compiler's libraries
#===----------------------------------------------------------------------===#

add_custom_target(ssd-doc DEPENDS mlir-doc
  COMMENT "The reference is in ${PROJECT_BINARY_DIR}/docs")

# Static builds are for tools: their libraries need the archives of LLVM that
# SSDLLVM.cmake chose, which no other project has.
if(NOT SSD_LINK STREQUAL "shared")
  return()
endif()

install(TARGETS SSDDialect HopperDialect SSDCostModel SSDPasses SSDToLinalg
    SSDToHopper SSDHopperToNVVM SSDLinalgToCPU SSDHostABI SSDPipelines
  EXPORT SSDMLIRTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(EXPORT SSDMLIRTargets DESTINATION ${SSD_INSTALL_CMAKEDIR}
  COMPONENT development)
install(DIRECTORY dialect passes lowering DESTINATION ${SSD_INSTALL_INCLUDEDIR}
  COMPONENT development FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
foreach(folder dialect passes lowering)
  install(DIRECTORY ${PROJECT_BINARY_DIR}/${folder}
    DESTINATION ${SSD_INSTALL_INCLUDEDIR} COMPONENT development
    FILES_MATCHING PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)
endforeach()
