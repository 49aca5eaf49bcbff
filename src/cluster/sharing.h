// Which rank does which work.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace peakbench::cluster {

struct WorkItem {
  double cost = 1; // estimated seconds; only ratios matter
  std::string
      group; // items of a group stay on one rank where that costs little (same model, same prompt)
};

// Static sharing: for every item its rank. Deterministic. Longest groups first to the least loaded
// rank; groups larger than the fair share are split.
std::vector<int> share_statically(std::span<const WorkItem> items, int ranks);

} // namespace peakbench::cluster
