// The launches that a decode step on a GPU is made of, as a table, so that tests can run the same
// step with the same kernels on the CPU.
#pragma once

#include "kernels/row_ops_device.h"
#include "kernels/tree_attention_device.h"

namespace peakbench::kernels {

struct DeviceKernels {
  void (*embed)(const DeviceEmbedding& arguments, void* stream);
  void (*norm)(const DeviceNorm& arguments, void* stream);
  void (*rotate)(const DeviceRotation& arguments, void* stream);
  void (*silu)(const DeviceSilu& arguments, void* stream);
  void (*attend)(const AttendArguments& arguments, std::int32_t blocks, void* stream);
  void (*merge)(const AttendArguments& arguments, void* stream);
  std::int32_t (*attend_blocks)(Element element, std::int32_t head_width);
};

#if PEAKBENCH_USE_CUDA
inline constexpr DeviceKernels kCudaKernels{launch_embedding, launch_norm,   launch_rotation,
                                            launch_silu,      launch_attend, launch_merge,
                                            attend_blocks};
#endif

} // namespace peakbench::kernels
