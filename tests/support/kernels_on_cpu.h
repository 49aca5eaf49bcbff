// The GPU's kernels, launched on the CPU (support/cuda_on_cpu.h).
#pragma once

#include <cstdint>

#include "kernels/device_kernels.h"
#include "kernels/ep_settle_device.h"
#include "kernels/slot_copy_device.h"

namespace peakbench::testing {

// Streams are ignored. attend_blocks says 6, so that blocks take several items.
extern const kernels::DeviceKernels kKernelsOnCpu;
void slot_copies_on_cpu(const kernels::SlotCopy* copies, std::int64_t count, std::int64_t planes);

// ep_settle's one launch, by what is in `limits`. Blocks get their turns in ascending order, or, to
// show what depends on that, in descending.
extern const kernels::EpDevice kEpDeviceOnCpu, kEpDeviceOnCpuInReverse;
extern const kernels::EpDeviceLimits kEpLimitsOnCpu;

// Bank conflicts of ldmatrix in the last launch.
std::int64_t last_bank_conflicts();

} // namespace peakbench::testing
