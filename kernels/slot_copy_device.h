// What the GPU's kernel that copies keys and values between slots is launched with.
#pragma once

#include <cstdint>

namespace peakbench::kernels {

// Consecutive slots of one chunk to those of one chunk, in every plane: a layer's keys or values.
struct SlotCopy {
  const void* from = nullptr; // in the first plane
  void* to = nullptr;
  std::int64_t from_plane_bytes = 0, to_plane_bytes = 0; // from one plane to the next
  std::int64_t bytes = 0;                                // per plane, even
};

// `copies` lie on the device. Runs on `stream` (a cudaStream_t) of the current device and throws
// std::runtime_error if it cannot be launched.
void launch_slot_copies(const SlotCopy* copies, std::int64_t count, std::int64_t planes,
                        void* stream);

} // namespace peakbench::kernels
