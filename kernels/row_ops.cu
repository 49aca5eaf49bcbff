// Launches of the kernels in row_ops.cuh.
#include "kernels/row_ops.cuh"

#include "kernels/cuda_check.h"

namespace peakbench::kernels {
namespace {

template <typename T, int kCount>
__global__ void __launch_bounds__(device::kRowThreads)
    norm(const __grid_constant__ DeviceNorm arguments) {
  device::norm<T, kCount>(arguments);
}
template <typename T>
__global__ void __launch_bounds__(32 * device::kHeadWarps)
    rotate(const __grid_constant__ DeviceRotation arguments) {
  device::rotate<T>(arguments);
}
template <typename T, int kCount>
__global__ void __launch_bounds__(device::kRowThreads)
    silu(const __grid_constant__ DeviceSilu arguments) {
  device::silu<T, kCount>(arguments);
}
template <typename T>
__global__ void __launch_bounds__(device::kRowThreads)
    embed(const __grid_constant__ DeviceEmbedding arguments) {
  device::embed<T>(arguments);
}

// Calls launch(T()) for the element's type.
template <typename Launch>
void with_type(Element element, const Launch& launch) {
  switch (element) {
  case Element::float32:
    return launch(float());
  case Element::bfloat16:
    return launch(device::Bfloat16());
  case Element::float16:
    return launch(device::Float16());
  }
}

constexpr unsigned blocks_for(std::int64_t work, std::int64_t of_a_block) {
  return static_cast<unsigned>((work + of_a_block - 1) / of_a_block);
}
constexpr int kSumBytes = device::kRowThreads / 32 * static_cast<int>(sizeof(float));

} // namespace

void launch_norm(const DeviceNorm& arguments, void* stream) {
  auto* const on = static_cast<cudaStream_t>(stream);
  with_type(arguments.element, [&](auto type) {
    using T = decltype(type);
    const auto kernel = arguments.width % 4 == 0 ? norm<T, 4> : norm<T, 1>;
    kernel<<<static_cast<unsigned>(arguments.rows), device::kRowThreads, kSumBytes, on>>>(
        arguments);
  });
  check_cuda(cudaGetLastError(), "add_rms_norm");
}

void launch_rotation(const DeviceRotation& arguments, void* stream) {
  auto* const on = static_cast<cudaStream_t>(stream);
  const std::int64_t heads = arguments.rows * (arguments.heads + 2 * arguments.kv_heads);
  with_type(arguments.element, [&](auto type) {
    rotate<decltype(type)>
        <<<blocks_for(heads, device::kHeadWarps), 32 * device::kHeadWarps, 0, on>>>(arguments);
  });
  check_cuda(cudaGetLastError(), "rotate_heads");
}

void launch_silu(const DeviceSilu& arguments, void* stream) {
  auto* const on = static_cast<cudaStream_t>(stream);
  const std::int64_t values = arguments.rows * arguments.width;
  with_type(arguments.element, [&](auto type) {
    using T = decltype(type);
    constexpr int kCount = 16 / static_cast<int>(sizeof(T));
    if (arguments.width % kCount == 0)
      silu<T, kCount>
          <<<blocks_for(values, device::kRowThreads * kCount), device::kRowThreads, 0, on>>>(
              arguments);
    else
      silu<T, 1>
          <<<blocks_for(values, device::kRowThreads), device::kRowThreads, 0, on>>>(arguments);
  });
  check_cuda(cudaGetLastError(), "silu_multiply");
}

void launch_embedding(const DeviceEmbedding& arguments, void* stream) {
  auto* const on = static_cast<cudaStream_t>(stream);
  with_type(arguments.element, [&](auto type) {
    embed<decltype(type)>
        <<<static_cast<unsigned>(arguments.rows), device::kRowThreads, 0, on>>>(arguments);
  });
  check_cuda(cudaGetLastError(), "embedding");
}

} // namespace peakbench::kernels
