// The GPU's kernel that copies keys and values between slots, in CUDA C++ that tests run on the
// CPU, too. A block per copy and plane; 16 bytes at a time where everything is aligned.
#pragma once

#include "kernels/device.cuh"
#include "kernels/slot_copy_device.h"

namespace peakbench::kernels::device {

constexpr int kCopyThreads = 128;

template <typename Unit>
__device__ inline void copy_units(const unsigned char* from, unsigned char* to,
                                  std::int64_t bytes) {
  const auto units = bytes / static_cast<std::int64_t>(sizeof(Unit));
  for (std::int64_t i = static_cast<int>(threadIdx.x); i < units; i += kCopyThreads)
    reinterpret_cast<Unit*>(to)[i] = reinterpret_cast<const Unit*>(from)[i];
}

__device__ inline void copy_slots(const SlotCopy* copies) {
  const SlotCopy copy = copies[blockIdx.x];
  const std::int64_t plane = blockIdx.y;
  const auto* const from =
      static_cast<const unsigned char*>(copy.from) + plane * copy.from_plane_bytes;
  auto* const to = static_cast<unsigned char*>(copy.to) + plane * copy.to_plane_bytes;
  const auto all = reinterpret_cast<std::uintptr_t>(from) | reinterpret_cast<std::uintptr_t>(to) |
                   static_cast<std::uintptr_t>(copy.bytes);
  if (all % 16 == 0)
    copy_units<float4>(from, to, copy.bytes);
  else
    copy_units<std::uint16_t>(from, to, copy.bytes);
}

} // namespace peakbench::kernels::device
