// A comparison of two runs as tables.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/compare.h"
#include "report/groups.h"

namespace peakbench::report {

namespace {

std::string setting_text(const KindComparison& kind, const CaseComparison& one) {
  std::string text;
  for (std::size_t i = 0; i < one.setting.size(); ++i)
    if (one.setting[i] != kNothing)
      text +=
          fmt::format("{}{} {}", text.empty() ? "" : ", ", kind.settings[i].title, one.setting[i]);
  return text;
}

// A p of 1e-17 is no 0.0000.
std::string chance(double p) {
  return std::isnan(p) ? kNothing : p < 1e-3 ? fmt::format("{:.1e}", p) : fixed(p, 4);
}

// Ratios near 1 to four decimals, great ones as any figure.
std::string times(double ratio) { return ratio < 10 ? fixed(ratio, 4) : number(ratio); }

Table regressions_table(const Comparison& comparison) {
  Table table;
  table.title = fmt::format("Regressions beyond {} %", *comparison.options.regression_percent);
  table.columns = {
      {"case", "", true}, {"kind", "", true}, {"what", "", true}, {"regression", "", true}};
  for (const KindComparison& kind : comparison.kinds) {
    for (const CaseComparison& one : kind.cases)
      for (const std::string& why : one.regressions)
        table.rows.push_back({one.case_id, kind.title, setting_text(kind, one), why});
    for (const OneSided& one : kind.one_sided)
      if (one.in_baseline && !comparison.options.allow_missing)
        table.rows.push_back({one.case_id, kind.title, one.what, "missing in the new run"});
  }
  std::size_t unclear = 0, all = 0;
  for (const KindComparison& kind : comparison.kinds)
    for (const CaseComparison& one : kind.cases) {
      ++all;
      unclear += one.verdict == Verdict::cannot_tell;
    }
  table.notes.push_back(fmt::format(
      "{}: slower by more than that, told so by the interval and by p; a peak greater by more "
      "than that; ok and valid before and not now{}.",
      table.rows.empty() ? "None" : "A regression is",
      comparison.options.allow_missing ? "" : "; missing now"));
  if (unclear > 0)
    table.notes.push_back(fmt::format(
        "Of {} of {} cases the time cannot be told: a regression of theirs would not be found.",
        unclear, all));
  return table;
}

Table arms_table(const Comparison& comparison) {
  Table table;
  table.title = "Comparison, now against the baseline";
  table.columns = {
      {"kind", "", true}, {"arm", "", true},   {"cases", ""},           {"time now / before", "x"},
      {"lower", "x"},     {"upper", "x"},      {"faster", ""},          {"slower", ""},
      {"same", ""},       {"cannot tell", ""}, {"not compared", ""},    {"peak equal", ""},
      {"less", ""},       {"more", ""},        {"greatest growth", "%"}};
  for (const KindComparison& kind : comparison.kinds)
    for (const ArmComparison& arm : kind.arms)
      table.rows.push_back({kind.title, arm.arm, std::to_string(arm.cases), times(arm.time.ratio),
                            times(arm.time.lower), times(arm.time.upper),
                            std::to_string(arm.faster), std::to_string(arm.slower),
                            std::to_string(arm.same), std::to_string(arm.cannot_tell),
                            std::to_string(arm.not_compared), std::to_string(arm.memory_equal),
                            std::to_string(arm.memory_less), std::to_string(arm.memory_more),
                            fixed(arm.greatest_growth_percent, 2)});
  table.notes = {
      fmt::format("Baseline: {}. Now: {}.", comparison.before, comparison.now),
      "Time: geometric mean over the cases of (median now / median before), with a 95 % bootstrap "
      "interval over their repeats; below 1 is faster. None where a case has a single repeat.",
      fmt::format(
          "Same: the interval of the case's ratio lies within {} %. Faster, slower: it lies "
          "on one side of 1, and p (rank-sum test of Mann and Whitney), adjusted by Holm "
          "over {} cases, is below 0.05. Else it cannot be told.",
          comparison.options.same_percent, comparison.tests),
      "Intervals and p are about the repeats within these files. What changes from one run to the "
      "next (clock, other work, where memory lies) is in them only with several files of each "
      "side, whose repeats are pooled."};
  for (const KindComparison& kind : comparison.kinds)
    if (!kind.cases.empty())
      table.validity += (table.validity.empty() ? "" : " ") + kind.title + ": " + kind.validity;
  table.notes.insert(table.notes.end(), comparison.notes.begin(), comparison.notes.end());
  return table;
}

Table changes_table(const Comparison& comparison) {
  Table table;
  table.title = "What else changed: status, validity, results";
  table.columns = {{"case", "", true},   {"kind", "", true},   {"what", "", true},
                   {"column", "", true}, {"before", "", true}, {"now", "", true}};
  for (const KindComparison& kind : comparison.kinds)
    for (const CaseComparison& one : kind.cases)
      for (const Change& change : one.changes)
        table.rows.push_back({one.case_id, kind.title, setting_text(kind, one), change.column,
                              change.before.empty() ? kNothing : change.before,
                              change.now.empty() ? kNothing : change.now});
  table.notes.emplace_back("Real numbers: only where they changed by more than a factor of 2.");
  return table;
}

Table one_sided_table(const Comparison& comparison) {
  Table table;
  table.title = "Cases of one side alone";
  table.columns = {
      {"case", "", true}, {"kind", "", true}, {"what", "", true}, {"there is", "", true}};
  for (const KindComparison& kind : comparison.kinds)
    for (const OneSided& one : kind.one_sided)
      table.rows.push_back(
          {one.case_id, kind.title, one.what, one.in_baseline ? "only before" : "only now"});
  return table;
}

std::string memory_text(const CaseComparison& one) {
  if (one.peak_before < 0 || one.peak_now < 0)
    return kNothing;
  return one.peak_now == one.peak_before  ? "equal"
         : one.peak_now > one.peak_before ? "more"
                                          : "less";
}

Table cases_table(const KindComparison& kind) {
  Table table;
  table.title = kind.title + ": every case, now against the baseline";
  table.columns = kind.settings;
  table.settings = kind.settings.size();
  const std::vector<Column> rest = {
      {"case", "", true}, {"repeats before", ""}, {"repeats now", ""},  {"time before", "s"},
      {"time now", "s"},  {"ratio", "x"},         {"lower", "x"},       {"upper", "x"},
      {"p", ""},          {"adjusted p", ""},     {"time is", "", true}};
  table.columns.insert(table.columns.end(), rest.begin(), rest.end());
  if (!kind.peak.empty())
    for (const Column& column : {Column{"peak before", "bytes"}, Column{"peak now", "bytes"},
                                 Column{"change", "bytes"}, Column{"peak is", "", true}})
      table.columns.push_back(column);
  table.columns.push_back({"why", "", true});
  for (const CaseComparison& one : kind.cases) {
    std::vector<std::string> cells{one.case_id,
                                   std::to_string(one.seconds.before.size()),
                                   std::to_string(one.seconds.now.size()),
                                   number(one.seconds_before),
                                   number(one.seconds_now),
                                   times(one.ratio.ratio),
                                   times(one.ratio.lower),
                                   times(one.ratio.upper),
                                   chance(one.test.p),
                                   chance(one.adjusted_p),
                                   text_of(one.verdict)};
    if (!kind.peak.empty()) {
      const std::string memory = memory_text(one);
      cells.insert(cells.end(),
                   {count(one.peak_before), count(one.peak_now),
                    memory == kNothing ? memory : std::to_string(one.peak_now - one.peak_before),
                    memory});
    }
    cells.push_back(one.why.empty() ? kNothing : one.why);
    table.rows.push_back(joined(one.setting, cells));
  }
  table.validity = kind.validity;
  if (!kind.peak.empty())
    table.notes.push_back(fmt::format("Peak: {}, compared to the byte.", kind.peak));
  return table;
}

} // namespace

std::vector<Table> comparison_tables(const Comparison& comparison) {
  std::vector<Table> tables;
  if (comparison.options.regression_percent)
    tables.push_back(regressions_table(comparison));
  tables.push_back(arms_table(comparison));
  for (Table& table : std::vector{changes_table(comparison), one_sided_table(comparison)})
    if (!table.rows.empty())
      tables.push_back(std::move(table));
  for (const KindComparison& kind : comparison.kinds)
    if (!kind.cases.empty())
      tables.push_back(cases_table(kind));
  return tables;
}

} // namespace peakbench::report
