#include "report/criteria.h"

#include <algorithm>

#include "report/groups.h"

namespace peakbench::report {

std::string name_of(Verdict verdict) {
  switch (verdict) {
  case Verdict::pass:
    return "PASS";
  case Verdict::fail:
    return "FAIL";
  case Verdict::explained:
    return "explained";
  case Verdict::not_measured:
    return "not measured";
  }
  return "";
}

Verdict verdict_of(bool holds) { return holds ? Verdict::pass : Verdict::fail; }

bool has(const Criteria& criteria, Verdict verdict) {
  return std::ranges::any_of(criteria.all,
                             [&](const Criterion& one) { return one.verdict == verdict; });
}

Table criteria_table(const Criteria& criteria, const std::string& title, const std::string& at) {
  Table table;
  table.title = title;
  for (const std::string& column : criteria.columns)
    table.columns.push_back({column, "", true});
  table.settings = criteria.columns.size();
  table.columns.insert(table.columns.end(), {{"criterion", "", true},
                                             {"arm", "", true},
                                             {at, "", true},
                                             {"goal", "", true},
                                             {"measured", "", true},
                                             {"verdict", "", true}});
  const auto judged = [](const Criterion& one) { return one.verdict != Verdict::not_measured; };
  if (std::ranges::any_of(criteria.all, judged))
    for (const Criterion& one : criteria.all)
      table.rows.push_back(joined(
          one.setting, {one.name, one.arm, one.at, one.goal, one.measured, name_of(one.verdict)}));
  return table;
}

} // namespace peakbench::report
