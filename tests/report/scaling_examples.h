// Scaling cases with figures chosen by hand.
#pragma once

#include "report/examples.h"

namespace peakbench::report::testing {

inline results::ScalingCase scaling_case(const std::string& mode, const std::string& share,
                                         std::int64_t ranks, std::int64_t cases, double seconds) {
  results::ScalingCase row;
  row.mode = mode;
  row.share = share;
  row.ranks = ranks;
  row.workload = "w";
  row.isolate = "process";
  row.case_id = results::case_id_of(row);
  row.status = "ok";
  row.validity = "VALID";
  row.cases = cases;
  row.seconds = seconds;
  row.seconds_lower = 0.8 * seconds;
  row.seconds_upper = 1.25 * seconds;
  row.cases_per_second = static_cast<double>(cases) / seconds;
  row.busy_seconds = 0.75 * seconds * static_cast<double>(ranks);
  row.idle_seconds = 0.25 * seconds * static_cast<double>(ranks);
  row.load_seconds = 0;
  row.repeats = 5;
  row.stop_reason = "max_repeats";
  return row;
}

// 8 cases in 4 s, 2.5 s and 2 s on 1, 2 and 4 ranks; weak with 4, 5 and 8 s; static is skipped
// on 4.
inline results::RunData scaling_run() {
  results::RunData run;
  run.path = "scaling.h5";
  run.scaling = {
      scaling_case("weak", "dynamic", 4, 32, 8),  scaling_case("strong", "dynamic", 4, 8, 2),
      scaling_case("strong", "dynamic", 1, 8, 4), scaling_case("strong", "dynamic", 2, 8, 2.5),
      scaling_case("strong", "static", 1, 8, 4),  scaling_case("strong", "static", 2, 8, 4),
      scaling_case("weak", "dynamic", 1, 8, 4),   scaling_case("weak", "dynamic", 2, 16, 5)};
  results::ScalingCase skipped;
  skipped.mode = "strong";
  skipped.share = "static";
  skipped.ranks = 4;
  skipped.workload = "w";
  skipped.isolate = "process";
  skipped.case_id = results::case_id_of(skipped);
  skipped.status = "skipped";
  skipped.reason = "it needs 4 ranks, the run has 2";
  run.scaling.push_back(skipped);
  return run;
}

} // namespace peakbench::report::testing
