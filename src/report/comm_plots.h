// The collectives as pictures, from measured rows only.
#pragma once

#include <vector>

#include "report/eab_plots.h"
#include "results/records.h"

namespace peakbench::report {

// Bus bandwidth versus message size, a panel per number of ranks and transport with two sizes or
// more, a line per operation.
std::vector<NamedPlot> comm_plots(const std::vector<results::CommCase>& cases);

} // namespace peakbench::report
