// The goals of eab.md and the published expectations, each judged from measured rows only.
#pragma once

#include "report/criteria.h"
#include "report/eab_arms.h"

namespace peakbench::report {

// Empty without EAB cases.
Criteria eab_criteria(const EabCases& cases);

} // namespace peakbench::report
