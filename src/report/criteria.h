// Goals and published figures, each judged from measured rows only.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"

namespace peakbench::report {

enum class Verdict {
  pass,
  fail,
  explained,    // not what the goal asks for; the difference is accounted for
  not_measured, // the file lacks what it takes: never a pass
};
std::string name_of(Verdict verdict);
Verdict verdict_of(bool holds);

struct Criterion {
  std::vector<std::string> setting; // values of the variables that differ within the file
  std::string name, arm;
  std::string at; // what it was judged at: depths, prompt lengths
  std::string goal, measured;
  Verdict verdict = Verdict::not_measured;
};

// For every setting in the file, every criterion once, or once per arm that it is about.
// `columns`: titles of the settings.
struct Criteria {
  std::vector<std::string> columns;
  std::vector<Criterion> all;
};

bool has(const Criteria& criteria, Verdict verdict);
// A table without rows where nothing could be judged. `at`: the title of that column.
Table criteria_table(const Criteria& criteria, const std::string& title, const std::string& at);

} // namespace peakbench::report
