// Ranks that have stopped to give signs of life while shared cases run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/collector.h"
#include "suite/shared_cases.h"

namespace peakbench::suite {

// Collective. On rank 0 one entry per rank, elsewhere empty.
std::vector<Placement> gather_placements(const cluster::Session& session, const Placement& mine);

// What is recorded of the case that a lost rank was at; nothing if it was at none. `what` of the
// sign is the case's index in the plan, and one.
std::optional<results::AnyRow> lost_case(const Plan& plan, const Placement& placement,
                                         const cluster::RankSign& sign, double silent_seconds);
// "rank 3 on node7 has given no sign of life for 120 s"
std::string describe_loss(const Placement& placement, double silent_seconds);

// The ranks that are left, instead of going on: no collective call would ever return. Rank 0 says
// what there is to say and ends the job, as `ending` has it; the others wait for that.
[[noreturn]] void end_without_the_lost(const cluster::Session& session, const LossEnding& ending,
                                       const std::optional<std::string>& error,
                                       const std::vector<RankOutcome>& outcomes);

} // namespace peakbench::suite
