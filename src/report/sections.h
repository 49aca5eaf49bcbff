// The tables of a run, each from measured rows only; empty lists where there is nothing to show.
#pragma once

#include <vector>

#include "report/report.h"

namespace peakbench::report {

std::vector<Table> eab_tables(const std::vector<results::EabCase>& cases);
std::vector<Table> ep_tables(const std::vector<results::EpCase>& cases);
std::vector<Table> validity_tables(const results::RunData& run);
std::vector<Table> detail_tables(const results::RunData& run);

} // namespace peakbench::report
