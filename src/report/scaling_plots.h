// Pictures of scaling over ranks, from measured rows only.
#pragma once

#include <vector>

#include "report/eab_plots.h"
#include "results/records.h"

namespace peakbench::report {

// Cases per second versus ranks, strong and weak side by side; of each workload with
// two numbers of ranks or more.
std::vector<NamedPlot> scaling_plots(const std::vector<results::ScalingCase>& cases);

} // namespace peakbench::report
