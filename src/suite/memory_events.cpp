#include "suite/memory_events.h"

#include <fstream>
#include <iterator>
#include <sstream>

namespace peakbench::suite {

std::string memory_events_file(const std::string& groups) {
  std::istringstream lines(groups);
  std::string events;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers.find(",memory,") != std::string::npos)
      return "/sys/fs/cgroup/memory" + path + "/memory.oom_control";
    if (line.starts_with("0::"))
      events = "/sys/fs/cgroup" + path + "/memory.events";
  }
  return events;
}

std::int64_t out_of_memory_kills_in(const std::string& events) {
  std::istringstream lines(events);
  std::string name;
  for (std::int64_t count = 0; lines >> name >> count;)
    if (name == "oom_kill")
      return count;
  return 0;
}

std::int64_t out_of_memory_kills() {
  std::ifstream groups("/proc/self/cgroup");
  std::ifstream events(memory_events_file({std::istreambuf_iterator<char>(groups), {}}));
  return out_of_memory_kills_in({std::istreambuf_iterator<char>(events), {}});
}

} // namespace peakbench::suite
