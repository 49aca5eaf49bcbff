// What the kernel tells of processes that it ended for lack of memory.
#pragma once

#include <cstdint>
#include <string>

namespace peakbench::suite {

// How many processes of this process's control group the out-of-memory killer has ended so far; 0
// where that cannot be known.
std::int64_t out_of_memory_kills();
// `groups`: the text of /proc/self/cgroup. Where the counts of the group are: memory.events, or
// memory.oom_control where the memory controller is one of version 1 (cgroups(7)).
std::string memory_events_file(const std::string& groups);
// `events`: the text of such a file.
std::int64_t out_of_memory_kills_in(const std::string& events);

} // namespace peakbench::suite
