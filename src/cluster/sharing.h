// Which rank does which work.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace peakbench::cluster {

struct WorkItem {
  double cost = 1; // estimated seconds; only ratios matter
  // Items of a group stay on one rank where that costs little (same model, same prompt).
  std::string group = {};
  // Items of a model too, but rather a model than a rank without work: the rank loads it once.
  std::string model = {};
};

// Static sharing: for every item its rank. Deterministic. Longest groups first to the least loaded
// rank; groups larger than the fair share are split.
std::vector<int> share_statically(std::span<const WorkItem> items, int ranks);

} // namespace peakbench::cluster
