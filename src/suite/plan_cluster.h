// The cases that all ranks measure together: collectives, and the suite's own scaling.
#pragma once

#include <string>

#include "suite/plan.h"

namespace peakbench::suite {

// Fills plan.comm and plan.scaling.
void add_cluster_cases(const Config& config, int ranks, Plan& plan);
// Appends them to plan.cases.
void number_cluster_cases(Plan& plan);
std::string cluster_label(const Plan& plan, const PlannedCase& one);

} // namespace peakbench::suite
