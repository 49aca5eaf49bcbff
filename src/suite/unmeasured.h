// The record of a case that did not come to its end by itself: nothing but why.
#pragma once

#include <cstddef>
#include <string>

#include "results/store.h"
#include "suite/case_runner.h"
#include "suite/plan.h"

namespace peakbench::suite {

// `index`: of a shared case of the plan.
results::AnyRow unmeasured(const Plan& plan, std::size_t index, const Placement& placement,
                           const std::string& status, const std::string& reason);

} // namespace peakbench::suite
