// The shared part of a run: every case once, on whichever rank gets it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cluster/session.h"
#include "cluster/tensor_channel.h"
#include "results/store.h"
#include "suite/case_runner.h"
#include "suite/plan.h"
#include "suite/rank_tally.h"
#include "suite/spooling.h"

namespace peakbench::suite {

// What a rank is at.
struct RunningCase {
  int rank = 0;
  std::size_t index = 0; // of the plan
  double seconds = 0;
};

// Called on rank 0 instead of a return when ranks were lost: no collective call can be made any
// more. `error`: of the sink. Returns the exit status that the job is then ended with.
using LossEnding = std::function<int(const std::optional<std::string>& error,
                                     const std::vector<RankOutcome>& outcomes)>;

struct SharedWork {
  const Plan& plan;
  std::vector<std::size_t> selected; // shared cases of the plan
  std::string share;                 // static | dynamic
  ClusterConfig cluster;
  Placement placement = {}; // of this rank; the rest need not be there
  // For what the runner leaves on the device (Traces::apart); null where it leaves nothing there.
  cluster::TensorChannel* channel = nullptr;
  RankSpool* spool = nullptr;
  // On rank 0, about once a second, never at the same time as the sink.
  std::function<void(const std::vector<RunningCase>&)> show = {};
  LossEnding without_the_lost = {};
};

// Collective. Every finished case goes to `sink`, on rank 0. A signal (InterruptWatch) on any rank
// ends it early on all: cases that run get `cluster.grace_seconds` to come to their end. The case
// of a rank that gives no sign of life for `cluster.lost_after_seconds` is recorded as failed, and
// the others go on. UserError (on all ranks) if the sink fails.
RankSummary run_shared_cases(const cluster::Session& session, const SharedWork& work,
                             CaseRunner& runner,
                             const std::function<void(const results::AnyRow&)>& sink);

} // namespace peakbench::suite
