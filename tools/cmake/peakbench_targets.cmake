# One function per kind of target, so that warnings, headers and precompiled headers are the same everywhere.
add_library(peakbench_options INTERFACE)
target_include_directories(peakbench_options INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
target_compile_definitions(peakbench_options INTERFACE
  PEAKBENCH_USE_CUDA=${PEAKBENCH_USE_CUDA} PEAKBENCH_USE_NCCL=${PEAKBENCH_USE_NCCL}
  PEAKBENCH_VERSION="${PROJECT_VERSION}")
target_compile_options(peakbench_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow;-Wconversion;-Wno-sign-conversion;-Werror>
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>)
target_link_libraries(peakbench_options INTERFACE peakbench_fmt)
if(PEAKBENCH_SANITIZE)
  target_sources(peakbench_options INTERFACE
    $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:${PROJECT_SOURCE_DIR}/tests/sanitize/program.cpp>)
  target_link_options(peakbench_options INTERFACE LINKER:--export-dynamic-symbol=dlclose)
endif()

# ATen precompiled once (4.5 s a file without, 1.4 s with).
file(WRITE ${PROJECT_BINARY_DIR}/generated/aten_precompiled.cpp "// Carries the precompiled header.\n")
add_library(peakbench_aten STATIC ${PROJECT_BINARY_DIR}/generated/aten_precompiled.cpp)
target_link_libraries(peakbench_aten PUBLIC peakbench_options peakbench_torch)
target_precompile_headers(peakbench_aten PRIVATE <ATen/ATen.h> <fmt/format.h> <string> <vector> <memory>)

# peakbench_library(NAME [ATEN] [LINK ...]): a static library of the folder's .cpp (and .cu) files.
function(peakbench_library name)
  cmake_parse_arguments(arg "ATEN" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(PEAKBENCH_USE_CUDA)
    file(GLOB cuda_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cu)
    list(APPEND sources ${cuda_sources})
  endif()
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE peakbench_options ${arg_LINK})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC peakbench_options ${arg_LINK})
  if(arg_ATEN)
    target_link_libraries(${name} PUBLIC peakbench_torch)
    target_precompile_headers(${name} REUSE_FROM peakbench_aten)
  endif()
endfunction()

# peakbench_program(NAME SOURCE... LINK ...): a program of the suite, with LibTorch's CUDA operators.
function(peakbench_program name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE peakbench_options ${arg_LINK})
endfunction()

# peakbench_test(NAME [ATEN] [GPU] [LINK ...]): the folder's *_test.cpp as one GoogleTest program, one
# ctest entry per test, labelled with the folder.
function(peakbench_test name)
  cmake_parse_arguments(arg "ATEN;GPU" "TIMEOUT" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources)
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  if(PEAKBENCH_SANITIZE) # a test of every system call takes three minutes then, alone on its core
    math(EXPR arg_TIMEOUT "10 * ${arg_TIMEOUT}")
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE peakbench_options peakbench_test_support ${arg_LINK} GTest::gmock_main)
  if(arg_ATEN)
    target_link_libraries(${name} PRIVATE peakbench_torch)
    target_precompile_headers(${name} REUSE_FROM peakbench_aten)
  endif()
  if(arg_GPU)
    target_link_libraries(${name} PRIVATE peakbench_torch_cuda)
  endif()
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  gtest_discover_tests(${name} TEST_PREFIX "${folder}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${folder} TIMEOUT ${arg_TIMEOUT})
endfunction()
