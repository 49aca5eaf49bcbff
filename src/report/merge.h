// Several files as one, for display.
#pragma once

#include "report/report.h"

namespace peakbench::report {

struct Merged {
  results::RunData run;
  std::vector<Table> duplicates; // the table of them, or nothing
};

// All rows of all files. A case that several files hold stays in each of its rows and is reported.
Merged merge(std::vector<results::RunData> runs);

} // namespace peakbench::report
