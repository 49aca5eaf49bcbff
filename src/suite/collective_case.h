// Cases that all ranks of a run measure together.
#pragma once

#include <optional>

#include "cluster/session.h"
#include "results/store.h"
#include "suite/case_runner.h"
#include "suite/plan.h"

namespace peakbench::suite {

// Both are collective and never throw for what a case can do wrong: the record says how it ended.
// What rank 0 returns counts. A record without status was dropped after a signal.
results::CommRow run_comm_case(const cluster::Session& session, const CommPlanned& planned,
                               const Config& config, const Placement& placement);
// Nothing, on all ranks: a signal came, and the case is dropped. The clock runs from the first case
// handed out to the last one stored; ranks, their processes and models that the warm-up has loaded
// are there by then, and the file has been created.
std::optional<results::ScalingRow> run_scaling_case(const cluster::Session& session,
                                                    const ScalingPlanned& planned,
                                                    const Config& config,
                                                    const Placement& placement);

} // namespace peakbench::suite
