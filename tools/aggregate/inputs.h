// The results files that were named.
#pragma once

#include <string>
#include <vector>

#include "aggregate/options.h"
#include "results/store.h"

namespace peakbench::aggregate {

// In the order of their names. UserError naming the file and the reason.
std::vector<results::RunData> load_all(const Options& options);

} // namespace peakbench::aggregate
