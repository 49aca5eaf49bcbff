// Cases that all ranks of a run measure together.
#pragma once

#include "cluster/session.h"
#include "results/store.h"
#include "suite/case_runner.h"
#include "suite/plan.h"

namespace peakbench::suite {

// Both are collective and never throw for what a case can do wrong: the record says how it ended.
// What rank 0 returns counts. A record without status was dropped after a signal.
results::CommRow run_comm_case(const cluster::Session& session, const CommPlanned& planned,
                               const Config& config, const Placement& placement);
results::ScalingRow run_scaling_case(const cluster::Session& session, const ScalingPlanned& planned,
                                     const Config& config, const Placement& placement);

} // namespace peakbench::suite
