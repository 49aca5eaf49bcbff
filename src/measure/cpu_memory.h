// The CPU's memory: our own c10 allocator, which books every block to the byte that was asked for.
#pragma once

#include "measure/memory.h"

namespace peakbench::measure {

// Registers the allocator with c10 on the first call. Tensors made before that stay uncounted.
DeviceMemory& cpu_memory();

} // namespace peakbench::measure
