#include "cluster/cuda_device.h"

#include <fmt/format.h>

#include <stdexcept>

#if PEAKBENCH_USE_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>
#endif
#if PEAKBENCH_USE_NCCL
#include <nccl.h>
#endif

namespace peakbench::cluster {

#if PEAKBENCH_USE_CUDA

namespace {

void check_cuda(cudaError_t code, const char* call) {
  if (code != cudaSuccess)
    throw std::runtime_error(fmt::format("{} failed: {}", call, cudaGetErrorString(code)));
}

std::string dotted(int version) { // 13000 -> 13.0
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

} // namespace

std::vector<std::string> visible_gpu_identities() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError(); // no driver, or no GPU: forget the error
    return {};
  }
  std::vector<std::string> identities;
  for (int i = 0; i < count; ++i)
    identities.push_back(gpu_facts(i).identity);
  return identities;
}

void use_gpu(int index) { c10::cuda::set_device(static_cast<c10::DeviceIndex>(index)); }

DeviceFacts gpu_facts(int index) {
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
  DeviceFacts facts;
  facts.name = properties.name;
  facts.memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
  for (const char byte : properties.uuid.bytes)
    facts.identity += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  int driver = 0, runtime = 0;
  check_cuda(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  check_cuda(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  facts.driver = dotted(driver);
  facts.cuda = dotted(runtime);
#if PEAKBENCH_USE_NCCL
  int nccl = 0;
  ncclGetVersion(&nccl);
  facts.nccl = fmt::format("{}.{}.{}", nccl / 10000, nccl % 10000 / 100, nccl % 100);
#endif
  return facts;
}

void release_cached_gpu_memory() { c10::cuda::CUDACachingAllocator::emptyCache(); }

#else

std::vector<std::string> visible_gpu_identities() { return {}; }
void use_gpu(int) { throw std::logic_error("built without CUDA"); }
DeviceFacts gpu_facts(int) { throw std::logic_error("built without CUDA"); }
void release_cached_gpu_memory() {}

#endif

} // namespace peakbench::cluster
