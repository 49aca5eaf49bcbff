// The measuring part of `run`: every rank does its share, rank 0 writes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cluster/session.h"
#include "cluster/summary.h"
#include "results/store.h"
#include "suite/plan.h"
#include "suite/shared_cases.h"

namespace peakbench::suite {

struct Launch {
  const Plan& plan;
  const Config& config;
  std::vector<std::size_t> selected; // into plan.cases
  Placement placement;
  cluster::GatherBy gather = cluster::GatherBy::mpi;
  std::string part; // "i/n" or ""
  RankSpool* spool = nullptr;
  LossEnding without_the_lost; // after this one the writer has come to its end
};

struct LoopResult {
  bool interrupted = false; // the same on every rank
};

// Collective. `store` is null on all ranks but 0. UserError (on all ranks) if results cannot be
// written.
LoopResult run_loop(const cluster::Session& session, const Launch& launch, results::Store* store);

} // namespace peakbench::suite
