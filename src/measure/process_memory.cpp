#include "measure/process_memory.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

namespace peakbench::measure {

namespace fs = std::filesystem;

namespace {

// The number after `field` on the line that it starts; nothing where there is no such file or line.
std::optional<std::int64_t> number_in(const fs::path& file, const std::string& field) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(field))
      continue;
    std::istringstream rest(line.substr(field.size()));
    if (std::int64_t number = 0; rest >> number)
      return number;
  }
  return std::nullopt;
}

// A line like "VmRSS:     1234 kB".
std::int64_t status_bytes(const std::string& field) {
  return number_in("/proc/self/status", field).value_or(0) * 1024;
}

// The files of the two versions of Linux' control groups.
struct GroupFiles {
  const char* line; // of /proc/self/cgroup, before the group's path
  const char* root;
  const char *limit, *used, *cache;
};
constexpr std::array<GroupFiles, 2> kGroupFiles{{
    {"0::", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file "},
    {":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
     "total_inactive_file "},
}};

// What one group leaves; nothing where it has no limit. File cache that the kernel can drop counts
// as used by the group, but is there for the asking.
std::optional<std::int64_t> left_in_group(const fs::path& group, const GroupFiles& files) {
  const auto limit = number_in(group / files.limit, "");
  const auto used = number_in(group / files.used, "");
  if (!limit || !used)
    return std::nullopt;
  const std::int64_t cache = number_in(group / "memory.stat", files.cache).value_or(0);
  return std::max<std::int64_t>(0, *limit - *used + cache);
}

// The process's group as a path from the root, "" for the root itself.
fs::path group_of_process(const GroupFiles& files) {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);)
    if (const auto at = line.find(files.line); at != std::string::npos)
      return fs::path(line.substr(at + std::strlen(files.line))).relative_path();
  return {};
}

} // namespace

std::int64_t resident_bytes() { return status_bytes("VmRSS:"); }

std::int64_t resident_peak_bytes() { return status_bytes("VmHWM:"); }

bool reset_resident_peak() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush; // 5: the peak resident set only (proc(5))
  return file.good();
}

std::int64_t available_bytes() {
  std::int64_t available = std::numeric_limits<std::int64_t>::max();
  if (const auto machine = number_in("/proc/meminfo", "MemAvailable:"))
    available = *machine * 1024;
  for (const GroupFiles& files : kGroupFiles) {
    // Every group on the way to the root may have a limit.
    for (fs::path group = group_of_process(files);; group = group.parent_path()) {
      if (const auto left = left_in_group(files.root / group, files))
        available = std::min(available, *left);
      if (group.empty())
        break;
    }
  }
  return available;
}

} // namespace peakbench::measure
