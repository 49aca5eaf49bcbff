// Does memory tracking work on this device? Allocations whose size is known, read after they were
// freed.
#pragma once

#include <string>
#include <vector>

#include "measure/memory.h"

namespace peakbench::measure {

struct Check {
  std::string name, expected, measured;
  bool passed = false;
};

// Takes a few MB for some milliseconds. Other threads must not use the device meanwhile.
std::vector<Check> check_memory_tracking(DeviceMemory& memory);

} // namespace peakbench::measure
