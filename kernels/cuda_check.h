// The one way in which .cu files check a CUDA call.
#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

namespace peakbench::kernels {

inline void check_cuda(cudaError_t error, const char* call) {
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(error));
}

} // namespace peakbench::kernels
