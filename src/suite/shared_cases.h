// The shared part of a run: every case once, on whichever rank gets it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cluster/session.h"
#include "cluster/tensor_channel.h"
#include "results/store.h"
#include "suite/case_runner.h"
#include "suite/plan.h"

namespace peakbench::suite {

struct SharedWork {
  const Plan& plan;
  std::vector<std::size_t> selected; // shared cases of the plan
  std::string share;                 // static | dynamic
  ClusterConfig cluster;
  // For what the runner leaves on the device (Traces::apart); null where it leaves nothing there.
  cluster::TensorChannel* channel = nullptr;
};

// Of one rank.
struct RankSummary {
  double cases = 0, restarts = 0;
  double start_seconds = 0; // until the process for the cases was ready
  double seconds = 0, busy_seconds = 0, idle_seconds = 0, load_seconds = 0;
  double gathered_bytes = 0, gathering_seconds = 0;
};

// Collective. Every finished case goes to `sink`, on rank 0. A signal (InterruptWatch) on any rank
// ends it early on all: cases that run get `cluster.grace_seconds` to come to their end.
// UserError (on all ranks) if the sink fails.
RankSummary run_shared_cases(const cluster::Session& session, const SharedWork& work,
                             CaseRunner& runner,
                             const std::function<void(const results::AnyRow&)>& sink);

} // namespace peakbench::suite
