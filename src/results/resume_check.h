// Whether a results file can be gone on with. Files that somebody or something has damaged make the
// HDF5 library crash or never come back; so this is found out in another process, which does on a
// copy what a run would do to the file.
#pragma once

#include <string>

#include "results/guard_process.h"

namespace peakbench::results {

class ResumeCheck {
public:
  // Starts the process, which waits. To be made before MPI and threads are there, whose state no
  // fork could keep in order.
  explicit ResumeCheck(const GuardLimits& limits = {});
  // Where none is needed.
  void end() { process_.end(); }
  // Once. UserError if the file cannot be gone on with; nothing of it has been changed either way.
  // Also reads what killed ranks have left beside it (spool.h). The caller holds the FileLock.
  void check(const std::string& path, const std::string& plan_hash);

private:
  GuardProcess process_;
};

} // namespace peakbench::results
