// What the process holds outside the allocator's view, from /proc/self: its own columns in a result.
#pragma once

#include <cstdint>

namespace peakbench::measure {

std::int64_t resident_bytes();  // VmRSS
// Forgets the resident peak so far; false where the kernel does not allow it.
bool reset_resident_peak();
std::int64_t resident_peak_bytes();  // VmHWM since the reset

}  // namespace peakbench::measure
