// Which cases of a plan are to be done now.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "suite/plan.h"

namespace peakbench::suite {

// `only`: "", "eab", "ep". `finished`: case id -> status of what the results file holds; what is
// there is left out, unless it is not `ok` and `retry_failed`. Indices into plan.cases.
std::vector<std::size_t>
select_cases(const Plan& plan, const std::string& only,
             const std::vector<std::pair<std::string, std::string>>& finished, bool retry_failed);

// A rank's share in the order to run it: cases of one model and prompt together, and among them
// those first that others need (their trees and sample counts are reused).
std::vector<std::size_t> ordered_share(const Plan& plan, const std::vector<std::size_t>& selected,
                                       const std::vector<int>& rank_of, int rank);

} // namespace peakbench::suite
