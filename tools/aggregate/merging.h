// One results file of many (--to).
#pragma once

#include <cstddef>
#include <string>

#include "aggregate/options.h"

namespace peakbench::aggregate {

// What a user should know of it goes to the standard error. How many files could not be read, with
// --keep-going. Interrupted by Ctrl-C: nothing is written then.
std::size_t merge_into_file(const Options& options, const std::string& command_line);

} // namespace peakbench::aggregate
