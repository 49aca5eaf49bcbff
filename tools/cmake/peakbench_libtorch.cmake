# LibTorch as two targets of our own. TorchConfig.cmake insists on a CUDA toolkit whenever the wheel
# was built with one, and sets global flags; two imported libraries need neither.
#   peakbench_torch       libtorch_cpu + c10 (+ c10_cuda): what libraries and CPU tests link, 0.3 s to start
#   peakbench_torch_cuda  adds libtorch_cuda, whose operators register on load: programs and GPU tests
find_path(PEAKBENCH_TORCH_INCLUDE ATen/ATen.h
  HINTS ${CMAKE_PREFIX_PATH} ENV TORCH_HOME
  PATH_SUFFIXES include
  PATHS ${PROJECT_SOURCE_DIR}/.venv/lib/python3.10/site-packages/torch
        ${PROJECT_SOURCE_DIR}/.venv/lib/python3.11/site-packages/torch
        ${PROJECT_SOURCE_DIR}/.venv/lib/python3.12/site-packages/torch
        ${PROJECT_SOURCE_DIR}/.venv/lib/python3.13/site-packages/torch
        ${PROJECT_SOURCE_DIR}/.venv/lib/python3.14/site-packages/torch
  NO_DEFAULT_PATH)
if(NOT PEAKBENCH_TORCH_INCLUDE)
  message(FATAL_ERROR "LibTorch not found (no ATen/ATen.h). Run tools/bootstrap.sh, or pass "
    "-DCMAKE_PREFIX_PATH=<folder of LibTorch>")
endif()
get_filename_component(PEAKBENCH_TORCH_ROOT ${PEAKBENCH_TORCH_INCLUDE} DIRECTORY)
set(torch_lib ${PEAKBENCH_TORCH_ROOT}/lib)
message(STATUS "LibTorch: ${PEAKBENCH_TORCH_ROOT}")

function(peakbench_import name file)
  if(NOT EXISTS ${torch_lib}/${file})
    message(FATAL_ERROR "${torch_lib}/${file} is missing (is this LibTorch complete, and built for CUDA?). "
      "Run tools/bootstrap.sh, or configure with -DPEAKBENCH_CUDA=OFF")
  endif()
  add_library(${name} SHARED IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${torch_lib}/${file}
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES
      "${PEAKBENCH_TORCH_INCLUDE};${PEAKBENCH_TORCH_INCLUDE}/torch/csrc/api/include")
endfunction()
peakbench_import(peakbench_c10 libc10.so)
peakbench_import(peakbench_torch_cpu libtorch_cpu.so)
add_library(peakbench_torch INTERFACE)
# at::parallel_for is a template that runs serially unless our own files are compiled with OpenMP.
# By options: the OpenMP package names a library that LibTorch brings a copy of, which CMake warns about.
target_compile_options(peakbench_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
target_link_options(peakbench_torch INTERFACE -fopenmp)
target_link_libraries(peakbench_torch INTERFACE peakbench_torch_cpu peakbench_c10)
add_library(peakbench_torch_cuda INTERFACE)
target_link_libraries(peakbench_torch_cuda INTERFACE peakbench_torch)
if(PEAKBENCH_USE_CUDA)
  peakbench_import(peakbench_c10_cuda libc10_cuda.so)
  peakbench_import(peakbench_torch_cuda_library libtorch_cuda.so)
  target_link_libraries(peakbench_torch INTERFACE peakbench_c10_cuda CUDA::cudart)
  # No symbol of ours lives there, so the linker must be told to keep it.
  target_link_options(peakbench_torch_cuda INTERFACE
    "LINKER:--push-state,--no-as-needed" ${torch_lib}/libtorch_cuda.so "LINKER:--pop-state")
  target_link_options(peakbench_torch INTERFACE "LINKER:-rpath-link,${CUDAToolkit_LIBRARY_DIR}")
endif()
