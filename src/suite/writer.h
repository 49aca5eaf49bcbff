// Rank 0's end of the way: into the file, and onto the screen.
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "results/store.h"
#include "suite/plan.h"
#include "suite/progress.h"
#include "suite/shared_cases.h"

namespace peakbench::suite {

class Writer {
public:
  // Plan and store outlive it. `terminal`: a line that redraws itself.
  Writer(const Plan& plan, const std::vector<std::size_t>& selected, results::Store& store,
         std::ostream& out, bool terminal);
  void take(const results::AnyRow& row);
  void show(const std::vector<RunningCase>& running);
  void end() { progress_.end(); }

private:
  const Plan& plan_;
  results::Store& store_;
  Progress progress_;
  std::map<std::string, std::size_t> case_of_;
};

} // namespace peakbench::suite
