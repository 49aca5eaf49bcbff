// What the kernel tells of processes that it ended for lack of memory.
#pragma once

#include <cstdint>
#include <string>

namespace peakbench::suite {

// How many processes of this process's control group the out-of-memory killer has ended so far; 0
// where that cannot be known.
std::int64_t out_of_memory_kills();
// `events`: the text of a memory.events file.
std::int64_t out_of_memory_kills_in(const std::string& events);

} // namespace peakbench::suite
