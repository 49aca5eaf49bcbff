#include "suite/memory_events.h"

#include <fstream>
#include <iterator>
#include <sstream>

namespace peakbench::suite {

namespace {

// The group's path is the last field of "0::/path" (cgroups(7)).
std::string own_group() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::"))
      return line.substr(3);
  return "/";
}

} // namespace

std::int64_t out_of_memory_kills_in(const std::string& events) {
  std::istringstream lines(events);
  std::string name;
  for (std::int64_t count = 0; lines >> name >> count;)
    if (name == "oom_kill")
      return count;
  return 0;
}

std::int64_t out_of_memory_kills() {
  std::ifstream file("/sys/fs/cgroup" + own_group() + "/memory.events");
  return out_of_memory_kills_in({std::istreambuf_iterator<char>(file), {}});
}

} // namespace peakbench::suite
