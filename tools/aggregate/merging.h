// One results file of many (--to).
#pragma once

#include "aggregate/options.h"

namespace peakbench::aggregate {

// What a user should know of it goes to the standard error.
void merge_into_file(const Options& options, const std::string& command_line);

} // namespace peakbench::aggregate
