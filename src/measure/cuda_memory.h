// A GPU's memory, from c10's caching allocator.
#pragma once

#include "measure/memory.h"

namespace peakbench::measure {

// Throws UserError where this build has no CUDA, or the machine no such GPU.
DeviceMemory& cuda_memory(c10::DeviceIndex index);

} // namespace peakbench::measure
