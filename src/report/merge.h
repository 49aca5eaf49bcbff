// Several files as one, for display.
#pragma once

#include <cstdint>

#include "report/report.h"

namespace peakbench::report {

struct Merged {
  results::RunData run;
  std::vector<Table> duplicates; // the table of them, or nothing
  std::int64_t repeated = 0;     // rows left out: one that is equal in everything is there already
};

// All rows of all files, as --to would write them (results/merge.h): equal ones once, others of a
// case each, and reported. `run.path` names the first few of them. One file is left as it is.
Merged merge(std::vector<results::RunData> runs);

} // namespace peakbench::report
