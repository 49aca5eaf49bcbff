// The goals of ep.md and the published figures, each judged from measured rows only.
#pragma once

#include <string>
#include <vector>

#include "results/store.h"

namespace peakbench::report {

enum class Verdict {
  pass,
  fail,
  explained,    // not the published figure; the difference is accounted for byte by byte
  not_measured, // the file lacks what it takes: never a pass
};
std::string name_of(Verdict verdict);

struct Criterion {
  std::vector<std::string> setting; // values of the variables that differ within the file
  std::string name, arm;
  std::string at; // the depth or depths that it was judged at
  std::string goal, measured;
  Verdict verdict = Verdict::not_measured;
};

// For every setting in the file, every criterion once, or once per arm that it is about. Empty
// without EP cases. `columns`: titles of the settings.
struct Criteria {
  std::vector<std::string> columns;
  std::vector<Criterion> all;
};
Criteria ep_criteria(const results::RunData& run);

} // namespace peakbench::report
