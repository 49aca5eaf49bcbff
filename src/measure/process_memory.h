// What the process as a whole holds and may still take, from /proc: outside the allocator's view,
// so its own columns in a result.
#pragma once

#include <cstdint>

namespace peakbench::measure {

std::int64_t resident_bytes(); // VmRSS
// Forgets the resident peak so far; false where the kernel does not allow it.
bool reset_resident_peak();
std::int64_t resident_peak_bytes(); // VmHWM since the reset

// What the process may still take: free memory and file cache of the machine (MemAvailable), or
// what the limits of its control groups (a container, a Slurm job) leave, whichever is less.
std::int64_t available_bytes();

} // namespace peakbench::measure
