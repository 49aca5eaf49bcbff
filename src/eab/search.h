// The decisions of entropy-adaptive branching, apart from any model: how many tokens a path draws,
// and which paths are kept (eab.md, "Generation", 4 to 8).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eab/settings.h"

namespace peakbench::eab {

struct Decision {
  std::int64_t tokens = 1; // to draw; a branch draws 2 or more
  // |entropy - threshold| where the entropy decided, infinite where it could not have mattered.
  double gap = 0;
};

// Decides for the paths of a step one after the other, in their order.
//
// r = max_paths - active paths at the start of the step. A branch makes branch_factor children if
// r >= branch_factor, r if 0 < r < branch_factor, else 2, and pruning follows. `strict` also takes
// from r the paths that earlier branches of the step have added and those already completed, and
// does not branch where nothing is left, so that samples never outnumber max_paths. A single child
// is no branch: the path goes on as it is.
class BranchRule {
public:
  explicit BranchRule(const Settings& settings) : settings_(settings) {}
  void begin_step(std::int64_t position, std::int64_t active, std::int64_t completed);
  // `support`: tokens of non-zero probability.
  Decision decide(double entropy, std::int64_t support);

private:
  std::int64_t children_of(std::int64_t branch_factor) const;

  Settings settings_;
  std::int64_t position_ = 0;
  std::int64_t active_ = 0;    // at the start of the step
  std::int64_t completed_ = 0; // before the step
  std::int64_t added_ = 0;     // by branches of this step
};

// What pruning leaves: indices into `log_probs` in their order, and how far it was from another
// set.
struct Survivors {
  std::vector<std::int32_t> kept;
  double gap = 0; // between the least kept and the greatest dropped; infinite if nothing is dropped
  std::int32_t least_kept = -1, greatest_dropped = -1;
};
// Drops paths with probability below min_prob (but the best), then all but the max_paths best.
// Among equals the earlier one stays.
Survivors prune(std::span<const double> log_probs, std::int64_t max_paths, double min_prob);

// Indices of `log_probs` from the highest to the lowest, equals in their order.
std::vector<std::int32_t> by_log_prob(std::span<const double> log_probs);

} // namespace peakbench::eab
