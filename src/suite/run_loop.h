// The measuring part of `run`: every rank does its share, rank 0 writes.
#pragma once

#include <c10/core/Device.h>

#include <cstddef>
#include <vector>

#include "cluster/session.h"
#include "cluster/summary.h"
#include "results/store.h"
#include "suite/plan.h"

namespace peakbench::suite {

struct RankSummary {
  double cases = 0, busy_seconds = 0, idle_seconds = 0, load_seconds = 0;
};

struct LoopResult {
  bool interrupted = false;           // the same on every rank
  std::vector<RankSummary> summaries; // one per rank, on every rank
};

// Collective. `store` is null on all ranks but 0. UserError (on all ranks) if results cannot be
// written.
LoopResult run_loop(const cluster::Session& session, const Plan& plan, const Config& config,
                    const std::vector<std::size_t>& selected, c10::Device device,
                    cluster::GatherBy gather, results::Store* store);

} // namespace peakbench::suite
