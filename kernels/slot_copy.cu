#include "kernels/slot_copy.cuh"

#include "kernels/cuda_check.h"

namespace peakbench::kernels {
namespace {

__global__ void __launch_bounds__(device::kCopyThreads) copy_slots(const SlotCopy* copies) {
  device::copy_slots(copies);
}

} // namespace

void launch_slot_copies(const SlotCopy* copies, std::int64_t count, std::int64_t planes,
                        void* stream) {
  const dim3 grid(static_cast<unsigned>(count), static_cast<unsigned>(planes));
  copy_slots<<<grid, device::kCopyThreads, 0, static_cast<cudaStream_t>(stream)>>>(copies);
  check_cuda(cudaGetLastError(), "copying slots");
}

} // namespace peakbench::kernels
