// The goals of ep.md and the published figures, each judged from measured rows only.
#pragma once

#include "report/criteria.h"
#include "results/store.h"

namespace peakbench::report {

// Empty without EP cases.
Criteria ep_criteria(const results::RunData& run);

} // namespace peakbench::report
