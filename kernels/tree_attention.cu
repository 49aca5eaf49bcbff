// Launches of the kernels in tree_attention.cuh: one version per type and head width.
#include "kernels/tree_attention.cuh"

#include "kernels/cuda_check.h"

namespace peakbench::kernels {
namespace {

// As many blocks per multiprocessor as their shared memory leaves room for.
template <typename T, int kWidth>
constexpr int kBlocks = kWidth > 128                          ? 1
                        : kWidth > (sizeof(T) == 2 ? 96 : 64) ? 2
                                                              : 3;

template <typename T, int kWidth>
__global__ void __launch_bounds__(device::kThreads, (kBlocks<T, kWidth>))
    attend(const __grid_constant__ AttendArguments arguments) {
  device::attend<T, kWidth>(arguments);
}

template <typename T>
__global__ void __launch_bounds__(device::kThreads)
    merge(const __grid_constant__ AttendArguments arguments) {
  device::merge<T>(arguments);
}

struct Kernel {
  void (*attend)(AttendArguments);
  int shared_bytes;
};

template <typename T>
Kernel kernel_for(std::int32_t head_width) {
  if (head_width <= 64)
    return {attend<T, 64>, device::attend_bytes<T, 64>()};
  if (head_width <= 96)
    return {attend<T, 96>, device::attend_bytes<T, 96>()};
  if (head_width <= 128)
    return {attend<T, 128>, device::attend_bytes<T, 128>()};
  return {attend<T, 256>, device::attend_bytes<T, 256>()};
}

Kernel kernel_for(Element element, std::int32_t head_width) {
  switch (element) {
  case Element::bfloat16:
    return kernel_for<device::Bfloat16>(head_width);
  case Element::float16:
    return kernel_for<device::Float16>(head_width);
  case Element::float32:
    break;
  }
  return kernel_for<float>(head_width);
}

} // namespace

std::int32_t attend_blocks(Element element, std::int32_t head_width) {
  const Kernel kernel = kernel_for(element, head_width);
  int device = 0, multiprocessors = 0, blocks = 0, most_bytes = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  check_cuda(cudaDeviceGetAttribute(&most_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
             "cudaDeviceGetAttribute");
  if (most_bytes < kernel.shared_bytes)
    throw std::runtime_error("tree_attention: heads " + std::to_string(head_width) + " wide need " +
                             std::to_string(kernel.shared_bytes) +
                             " bytes of shared memory per block, this GPU has " +
                             std::to_string(most_bytes));
  check_cuda(cudaFuncSetAttribute(kernel.attend, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  kernel.shared_bytes),
             "tree_attention: cudaFuncSetAttribute");
  check_cuda(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device),
             "cudaDeviceGetAttribute");
  check_cuda(
      cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel.attend, device::kThreads,
                                                    static_cast<std::size_t>(kernel.shared_bytes)),
      "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
  return multiprocessors * blocks;
}

void launch_attend(const AttendArguments& arguments, std::int32_t blocks, void* stream) {
  const Kernel kernel = kernel_for(arguments.element, arguments.head_width);
  kernel.attend<<<static_cast<unsigned>(blocks), device::kThreads, kernel.shared_bytes,
                  static_cast<cudaStream_t>(stream)>>>(arguments);
  check_cuda(cudaGetLastError(), "tree_attention: attend");
}

void launch_merge(const AttendArguments& arguments, void* stream) {
  const unsigned rows = static_cast<unsigned>(arguments.paths * arguments.heads);
  const unsigned blocks = (rows + device::kWarps - 1) / device::kWarps;
  auto* const on = static_cast<cudaStream_t>(stream);
  switch (arguments.element) {
  case Element::float32:
    merge<float><<<blocks, device::kThreads, 0, on>>>(arguments);
    break;
  case Element::bfloat16:
    merge<device::Bfloat16><<<blocks, device::kThreads, 0, on>>>(arguments);
    break;
  case Element::float16:
    merge<device::Float16><<<blocks, device::kThreads, 0, on>>>(arguments);
    break;
  }
  check_cuda(cudaGetLastError(), "tree_attention: merge");
}

} // namespace peakbench::kernels
