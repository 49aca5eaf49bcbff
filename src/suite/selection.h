// Which cases of a plan are to be done now.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "suite/plan.h"

namespace peakbench::suite {

// `only`: "" or the name of a kind. `finished`: case id -> status of what the results file holds;
// what is there is left out, unless it is not `ok` and `retry_failed`. Indices into plan.cases.
std::vector<std::size_t>
select_cases(const Plan& plan, const std::string& only,
             const std::vector<std::pair<std::string, std::string>>& finished, bool retry_failed);

// The same cases in the order to run them: those of one model and prompt together, and among them
// those first that others need (their trees and sample counts are reused).
std::vector<std::size_t> in_running_order(const Plan& plan, std::vector<std::size_t> selected);

// Part `number` (from 1) of `parts` of all shared cases, by estimated cost; the same whatever is
// selected already. Cases that all ranks measure together belong to part 1.
std::vector<std::size_t> part_of_plan(const Plan& plan, const std::vector<std::size_t>& selected,
                                      int number, int parts);

} // namespace peakbench::suite
