// Measures one collective operation: time of the slowest rank, and whether what came out is right.
#pragma once

#include <functional>

#include "cluster/collectives.h"
#include "cluster/session.h"
#include "measure/trial.h"
#include "results/records.h"
#include "suite/outcome.h"

namespace peakbench::suite {

// Elements that one rank gives; for all_gather message_bytes is the size of the whole result.
std::int64_t elements_of(const results::CommCase& record);
// elements_of() as bytes, counted as message_bytes is.
std::int64_t sent_bytes_of(const results::CommCase& record);
// Of bus to algorithm bandwidth: what the slowest link carries, whatever the number of ranks
// (nccl-tests, doc/PERFORMANCE.md).
double bus_factor(const std::string& operation, int ranks);

struct CommLimits {
  measure::TrialPlan repeats;
  double case_seconds = 600;
  std::function<bool()> stopped = [] { return false; };
};

// Collective over `session`, which `collectives` connects. One repeat is as many operations as take
// a few milliseconds, started one after the other; before it every buffer is filled anew, after it
// every rank checks what it holds. Fills the row's measurements, the same on every rank. How it
// ended is the same on every rank, too, whichever of them it went wrong on; "interrupted" if the
// case was stopped.
Outcome measure_collective(const cluster::Session& session, cluster::Collectives& collectives,
                           const CommLimits& limits, results::CommRow& row);

// Collective: does `action` on every rank; what went wrong first, by rank, for all to know.
Outcome done_together(const cluster::Session& session, const std::function<void()>& action);

} // namespace peakbench::suite
