// Several results files as one in memory, by the rules of merge.h.
#pragma once

#include "results/merge.h"

namespace peakbench::results {

struct MergedRuns {
  RunData run; // path and info of the first; a row of /sources per file
  MergeSummary summary;
};

// The rows of all files; equal ones once. Traces are compared too, where all else is equal: these
// are read from the files then, which must be there still. One file is left as it is.
MergedRuns merge_runs(std::vector<RunData> runs, const GuardLimits& limits = {});

} // namespace peakbench::results
