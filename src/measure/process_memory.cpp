#include "measure/process_memory.h"

#include <fstream>
#include <string>

namespace peakbench::measure {

namespace {

// A line like "VmRSS:     1234 kB"; -1 where there is none.
std::int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::stoll(line.substr(field.size())) * 1024;
  return -1;
}

} // namespace

std::int64_t resident_bytes() { return status_bytes("VmRSS:"); }

std::int64_t resident_peak_bytes() { return status_bytes("VmHWM:"); }

bool reset_resident_peak() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush; // 5: the peak resident set only (proc(5))
  return file.good();
}

} // namespace peakbench::measure
