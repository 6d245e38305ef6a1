# Finds LLVM/MLIR 22 and defines how Halftone's libraries are built.

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

find_package(MLIR 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

# tblgen takes its -I from the directory property only.
include_directories(${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
include_directories(SYSTEM ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})

macro(halftone_enable_sanitizers)
  if(HALFTONE_SANITIZE)
    add_compile_options(-fsanitize=${HALFTONE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${HALFTONE_SANITIZE})
  endif()
endmacro()

# halftone_library(NAME sources... LINK libs... DEPENDS tblgen targets...)
# Everything that sees MLIR: no RTTI surprises, one precompiled header, and the
# shared MLIR/LLVM libraries only (a mix with the archives registers twice).
function(halftone_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  target_compile_options(${name} PRIVATE -fno-exceptions -Wall -Wextra -Wno-unused-parameter)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  halftone_precompile(${name})
endfunction()

# One precompiled header for all of MLIR's heavy headers.
function(halftone_precompile name)
  if(NOT TARGET halftone_pch)
    file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "")
    add_library(halftone_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
    target_compile_options(halftone_pch PRIVATE -fno-exceptions -Wall -Wextra -Wno-unused-parameter)
    target_precompile_headers(halftone_pch PRIVATE
      <mlir/IR/BuiltinOps.h> <mlir/IR/PatternMatch.h> <mlir/Pass/Pass.h>
      <mlir/Dialect/Func/IR/FuncOps.h> <mlir/Transforms/DialectConversion.h>
      <mlir/Interfaces/InferTypeOpInterface.h> <mlir/Bytecode/BytecodeOpInterface.h>)
  endif()
  target_precompile_headers(${name} REUSE_FROM halftone_pch)
endfunction()

# halftone_tablegen(TARGET td-file "<file> <tblgen options>"...)
function(halftone_tablegen target td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  foreach(rule ${ARGN})
    separate_arguments(parts UNIX_COMMAND ${rule})
    mlir_tablegen(${parts})
  endforeach()
  add_public_tablegen_target(${target})
  halftone_doc(${target} ${td} ${ARGN})
endfunction()

# The page of a dialect or of a pass library, from the same descriptions: all of
# them are made by `ninja halftone-doc`, in build/docs.
add_custom_target(halftone-doc)
function(halftone_doc target td rules)
  if(rules MATCHES "-gen-pass-decls")
    set(command -gen-pass-doc)
  else()
    string(REGEX MATCH "-dialect=[a-z]+" dialect "${rules}")
    set(command -gen-dialect-doc ${dialect})
  endif()
  string(REGEX REPLACE "^Halftone|IncGen$" "" name ${target})
  set(page ${CMAKE_BINARY_DIR}/docs/${name}.md)
  list(TRANSFORM MLIR_INCLUDE_DIRS PREPEND -I OUTPUT_VARIABLE includes)
  add_custom_command(OUTPUT ${page}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/docs
    COMMAND ${MLIR_TABLEGEN_EXE} ${command} -I${CMAKE_SOURCE_DIR} ${includes}
            ${CMAKE_CURRENT_SOURCE_DIR}/${td} -o ${page} -d ${page}.d
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${td} DEPFILE ${page}.d
    COMMENT "Describing ${name}")
  add_custom_target(Halftone${name}Doc DEPENDS ${page})
  add_dependencies(halftone-doc Halftone${name}Doc)
endfunction()
