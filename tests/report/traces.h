// A token tree written by hand, and its case.
#pragma once

#include "report/examples.h"
#include "results/records.h"

namespace peakbench::report::testing {

// With max_paths 3, threshold 0.5:
//
//   The ─┬─ " cat" ── " sat" ─┬─ "."   #1
//        │                    └─ "!"   pruned
//        ├─ " dog" ── " ran" ── "."    #2
//        └─ "\n"                       #3 (ends by itself)
inline results::EabTrace example_trace() {
  results::EabTrace trace;
  trace.prompt_tokens = {7, 8};
  trace.nodes = {
      {0, -1, 10, 0, -0.1, 0.2, false}, {1, 0, 11, 1, -0.5, 0.6, true},
      {2, 0, 12, 1, -1.0, 0.6, true},   {3, 0, 13, 1, -2.0, 0.6, true},
      {4, 1, 14, 2, -0.2, 0.1, false},  {5, 2, 15, 2, -0.3, 0.15, false},
      {6, 4, 16, 3, -0.25, 0.55, true}, {7, 4, 17, 3, -4.0, 0.55, true},
      {8, 5, 16, 3, -0.75, 0.3, false},
  };
  trace.samples = {{6, -1.05, "The cat sat."}, {3, -2.1, "The\n"}, {8, -2.15, "The dog ran."}};
  trace.tokens = {{10, "The"},  {11, " cat"}, {12, " dog"}, {13, "\n"},
                  {14, " sat"}, {15, " ran"}, {16, "."},    {17, "!"}};
  return trace;
}

inline EabCase traced_case() {
  EabCase record = eab_case("cow", "batched", "tides", 2, 20000000);
  record.samples = 3;
  record.max_new_tokens = 4;
  record.max_paths = 3;
  record.branch_factor = 3;
  record.threshold = 0.5;
  record.temperature = 0.8;
  return record;
}

} // namespace peakbench::report::testing
