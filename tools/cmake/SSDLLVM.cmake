# Finds LLVM/MLIR 22 and defines how this project's libraries link against it.
#
#   ssd_add_library(NAME sources... [DEPENDS ...] [LINK_LIBS ...] [MLIR_LIBS ...])
#   ssd_add_tool(NAME sources... [LINK_LIBS ...] [MLIR_LIBS ...])
#
# MLIR_LIBS name MLIR's own archives. In a shared build they all become
# libMLIR.so; in a static build, see below.

find_package(MLIR 22.1 REQUIRED CONFIG
  HINTS /usr/lib/llvm-22/lib/cmake/mlir ENV MLIR_DIR)
message(STATUS "LLVM ${LLVM_PACKAGE_VERSION} in ${LLVM_DIR}")
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")

set(LLVM_EXTERNAL_LIT "${LLVM_TOOLS_BINARY_DIR}/lit" CACHE STRING "")
set(MLIR_BINARY_DIR ${PROJECT_BINARY_DIR}) # where mlir-doc writes
set(LLVM_RUNTIME_OUTPUT_INTDIR ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
set(LLVM_LIBRARY_OUTPUT_INTDIR ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})

separate_arguments(SSD_LLVM_DEFINITIONS NATIVE_COMMAND ${LLVM_DEFINITIONS})

# Debian builds MLIR with LLVM_LINK_LLVM_DYLIB, so each exported archive pulls
# in libLLVM.so. For single-file tools those edges are replaced by the archives
# of the two targets we emit code for.
if(SSD_LINK STREQUAL "static")
  set_target_properties(LLVMSupport PROPERTIES INTERFACE_LINK_LIBRARIES
    "rt;dl;m;-l:libz.a;-l:libzstd.a;LLVMDemangle")
  llvm_map_components_to_libnames(SSD_LLVM_ARCHIVES
    Core Support Target TargetParser Analysis Passes IPO Linker BitReader
    BitWriter IRReader AsmParser MC Option X86CodeGen X86AsmParser X86Desc
    X86Info NVPTXCodeGen NVPTXDesc NVPTXInfo FrontendOpenMP TransformUtils LTO)
  add_library(ssd_llvm INTERFACE)
  target_link_libraries(ssd_llvm INTERFACE ${SSD_LLVM_ARCHIVES})
  get_property(SSD_ALL_MLIR GLOBAL PROPERTY MLIR_ALL_LIBS)
  foreach(lib IN LISTS SSD_ALL_MLIR)
    if(TARGET ${lib} AND NOT lib STREQUAL "MLIR")
      get_target_property(interface ${lib} INTERFACE_LINK_LIBRARIES)
      if(interface)
        list(REMOVE_ITEM interface LLVM MLIR)
        set_target_properties(${lib} PROPERTIES
          INTERFACE_LINK_LIBRARIES "${interface};ssd_llvm")
      endif()
    endif()
  endforeach()
endif()

function(ssd_configure_target target)
  target_include_directories(${target} SYSTEM PRIVATE
    ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_compile_definitions(${target} PRIVATE ${SSD_LLVM_DEFINITIONS})
  target_compile_options(${target} PRIVATE -fno-exceptions -Wall -Wextra
    -Wno-unused-parameter -ffunction-sections -fdata-sections)
endfunction()

function(ssd_link_mlir target)
  if(SSD_LINK STREQUAL "static")
    target_link_libraries(${target} PUBLIC ${ARGN} ssd_llvm)
  else()
    target_link_libraries(${target} PUBLIC MLIR LLVM)
  endif()
endfunction()

function(ssd_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK_LIBS;MLIR_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  ssd_configure_target(${name})
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}>
    $<INSTALL_INTERFACE:${SSD_INSTALL_INCLUDEDIR}>)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
  ssd_link_mlir(${name} ${ARG_MLIR_LIBS})
endfunction()

function(ssd_add_tool name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK_LIBS;MLIR_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  ssd_configure_target(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  target_link_options(${name} PRIVATE -Wl,--gc-sections -Wl,--as-needed)
  ssd_link_mlir_executable(${name} ${ARG_MLIR_LIBS})
  install(TARGETS ${name} RUNTIME DESTINATION bin COMPONENT compiler)
endfunction()

function(ssd_link_mlir_executable target)
  if(SSD_LINK STREQUAL "static")
    target_link_libraries(${target} PRIVATE ${ARGN} ssd_llvm)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
  else()
    target_link_libraries(${target} PRIVATE MLIR LLVM)
  endif()
endfunction()
