// The work that a scaling case times, on one of its ranks.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/session.h"
#include "suite/case_runner.h"
#include "suite/shared_cases.h"

namespace peakbench::suite {

class ScalingWork {
public:
  // `copies` times the configuration's own cases. A process beside the rank is started here, once
  // for all passes. UserError for whatever cannot run.
  ScalingWork(const Config& config, int copies, const Placement& placement);

  struct Pass {
    double seconds = 0;                                          // of the rank that took longest
    double busy_seconds = 0, idle_seconds = 0, load_seconds = 0; // of all ranks together
    std::string problem;      // on rank 0: a case that was not done exactly once, or not `ok`
    bool interrupted = false; // by a signal, on any rank
  };
  // Collective: `part` shares the cases; their results go into a file in a temporary folder, which
  // is removed afterwards. UserError on all ranks.
  Pass pass(const cluster::Session& part, const std::string& share);
  std::size_t cases() const { return plan_.cases.size(); }

private:
  Config config_;
  Plan plan_;
  Placement placement_;
  std::unique_ptr<CaseRunner> runner_;
};

} // namespace peakbench::suite
