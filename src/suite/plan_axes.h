// The two products behind make_plan().
#pragma once

#include "suite/plan.h"

namespace peakbench::suite {

// plan.models are open already. Fills plan.encoded and plan.eab.
void add_eab_cases(const Config& config, Plan& plan);
void add_ep_cases(const Config& config, Plan& plan);

} // namespace peakbench::suite
