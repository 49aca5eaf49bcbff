// How the suite's own speed grows with the number of ranks, from measured scaling cases.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/groups.h"
#include "results/records.h"

namespace peakbench::report {

// Of one number of ranks; medians where several files hold it. NaN where nothing finished.
struct ScalingRate {
  std::int64_t ranks = 0;
  Rows<results::ScalingCase> rows;
  double seconds = 0, cases_per_second = 0;
  double low = 0, high = 0;       // of cases_per_second, from the interval of the seconds
  double idle_share = 0;          // idle / (busy + idle), of all ranks together
  double speedup = 0;             // of cases_per_second, against the fewest ranks
  double efficiency = 0;          // speedup / (ranks / fewest ranks)
  std::int64_t fewest_ranks = -1; // that finished
};

// One way to share one workload: a line of the picture.
struct ScalingLine {
  std::string mode, share;          // strong | weak; static | dynamic
  std::vector<std::string> setting; // of the variables that differ beside these
  std::vector<ScalingRate> rates;   // by number of ranks
};

struct ScalingLines {
  Grouping<results::ScalingCase> grouping; // rows point into `cases`
  std::vector<ScalingLine> lines;
};
ScalingLines scaling_lines(const std::vector<results::ScalingCase>& cases);

} // namespace peakbench::report
