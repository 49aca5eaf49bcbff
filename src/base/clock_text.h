#pragma once

#include <string>

namespace peakbench {

// The time of day as files and pages have it: "2026-11-22T18:07:22Z", always UTC.
std::string utc_now();

} // namespace peakbench
