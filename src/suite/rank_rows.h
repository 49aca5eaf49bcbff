// The rows of /ranks of a launch.
#pragma once

#include <string>
#include <vector>

#include "results/records.h"
#include "suite/rank_tally.h"

namespace peakbench::suite {

// What the ranks of a launch have in common.
struct LaunchRow {
  std::string started, share, gather, isolate, part;
  bool interrupted = false;
};

std::vector<results::RankRow> rank_rows(const LaunchRow& launch,
                                        const std::vector<RankOutcome>& outcomes);

} // namespace peakbench::suite
