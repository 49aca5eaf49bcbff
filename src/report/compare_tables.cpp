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
    for (const ArmComparison& arm : kind.arms)
      if (!arm.regression.empty())
        table.rows.push_back({kNothing, kind.title, arm.arm, arm.regression});
    for (const CaseComparison& one : kind.cases)
      for (const std::string& why : one.regressions)
        table.rows.push_back({one.case_id, kind.title, setting_text(kind, one), why});
    for (const OneSided& one : kind.one_sided)
      if (one.in_baseline && !comparison.options.allow_missing)
        table.rows.push_back({one.case_id, kind.title, one.what, "missing in the new run"});
  }
  const char* missing = comparison.options.allow_missing ? "" : "; or it is missing";
  table.notes.push_back(fmt::format(
      "{} regression: the time of a case, or of an arm, is told to be slower by more than that; a "
      "peak is greater by more than that; a case was ok and valid and is not any more{}.",
      table.rows.empty() ? "None. A" : "A", missing));
  if (const std::size_t unclear = comparison.count(TimeVerdict::cannot_tell); unclear > 0)
    table.notes.push_back(fmt::format(
        "The times of {} of {} cases cannot be told: a regression of theirs would not be found.",
        unclear, comparison.cases()));
  return table;
}

std::string validity_of(const Comparison& comparison) {
  std::string text;
  for (const KindComparison& kind : comparison.kinds)
    if (!kind.cases.empty())
      text += (text.empty() ? "" : " ") + kind.title + ", both sides: " + kind.validity;
  return text;
}

Table times_table(const Comparison& comparison) {
  Table table;
  table.title = "Comparison of times, now against the baseline";
  table.columns = {{"kind", "", true},  {"arm", "", true},     {"cases", ""},
                   {"ratio", "x"},      {"lower", "x"},        {"upper", "x"},
                   {"adjusted p", ""},  {"time is", "", true}, {"faster cases", ""},
                   {"slower", ""},      {"same", ""},          {"cannot tell", ""},
                   {"not compared", ""}};
  for (const KindComparison& kind : comparison.kinds)
    for (const ArmComparison& arm : kind.arms)
      table.rows.push_back({kind.title, arm.arm, std::to_string(arm.cases), times(arm.time.ratio),
                            times(arm.time.lower), times(arm.time.upper), chance(arm.adjusted_p),
                            text_of(arm.verdict), std::to_string(arm.faster),
                            std::to_string(arm.slower), std::to_string(arm.same),
                            std::to_string(arm.cannot_tell), std::to_string(arm.not_compared)});
  const double same = comparison.options.same_percent;
  table.validity = validity_of(comparison);
  table.notes = {
      fmt::format("Baseline: {}. Now: {}.", comparison.before, comparison.now),
      "Ratio: geometric mean over the cases of (median now / median before), with a 95 % bootstrap "
      "interval over their repeats; below 1 is faster. No interval where a case has a single "
      "repeat.",
      fmt::format("Of an arm, and of all arms together: same, the interval lies within {} %; "
                  "faster, slower: it lies on one "
                  "side of 1, and p (sign test: how many of its cases take longer), adjusted by "
                  "Holm over these rows, is below 0.05. Else it cannot be told.",
                  same),
      fmt::format("Of a case: the same, with p of the rank-sum test of Mann and Whitney on its "
                  "repeats, adjusted by Holm over the {} cases that can be tested. To tell each "
                  "case takes {} repeats of either side at least (repeats.min of the "
                  "configuration, or several files of each side).",
                  comparison.tests, comparison.repeats_needed),
      "Intervals and p are about what these files hold. What changes from one run to the next "
      "(clock, other work, where memory lies) is in them only with several files of each side, "
      "whose repeats are pooled."};
  table.notes.insert(table.notes.end(), comparison.notes.begin(), comparison.notes.end());
  if (!comparison.options.every_case)
    table.notes.emplace_back("Below, one by one, only cases that changed; --detail lists all.");
  return table;
}

Table memory_table(const Comparison& comparison) {
  Table table;
  table.title = "Comparison of peak memory, now against the baseline";
  table.columns = {{"kind", "", true},      {"arm", "", true}, {"cases", ""},
                   {"peak equal", ""},      {"less", ""},      {"more", ""},
                   {"greatest growth", "%"}};
  for (const KindComparison& kind : comparison.kinds)
    for (const ArmComparison& arm : kind.arms)
      if (!kind.peak.empty())
        table.rows.push_back({kind.title, arm.arm, std::to_string(arm.cases),
                              std::to_string(arm.memory_equal), std::to_string(arm.memory_less),
                              std::to_string(arm.memory_more),
                              fixed(arm.greatest_growth_percent, 2)});
  table.validity = validity_of(comparison);
  table.notes.emplace_back("To the byte. On a GPU the caching allocator may split blocks otherwise "
                           "in another run.");
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
  table.title = "Only before or only now: cases of one side";
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

// `title`, with the kind's settings as first columns.
Table cases_table(const KindComparison& kind, const std::string& title,
                  const std::vector<Column>& columns) {
  Table table;
  table.title = fmt::format("Comparison of {}: {}, case by case", title, kind.title);
  table.columns = kind.settings;
  table.settings = kind.settings.size();
  table.columns.insert(table.columns.end(), columns.begin(), columns.end());
  table.validity = kind.validity;
  return table;
}

bool is_told(const CaseComparison& one) {
  return one.verdict == TimeVerdict::faster || one.verdict == TimeVerdict::slower;
}

// A log of a thousand cases that are the same hides the one that is not.
void tell_not_listed(const KindComparison& kind, const char* which, Table& table) {
  if (const std::size_t others = kind.cases.size() - table.rows.size(); others > 0)
    table.notes.push_back(
        fmt::format("Not listed: {} cases {}; --detail lists them.", others, which));
}

Table case_times(const KindComparison& kind, bool every_case) {
  Table table = cases_table(kind, "times",
                            {{"case", "", true},
                             {"n before", ""},
                             {"n now", ""},
                             {"time before", "s"},
                             {"time now", "s"},
                             {"ratio", "x"},
                             {"lower", "x"},
                             {"upper", "x"},
                             {"p", ""},
                             {"adjusted p", ""},
                             {"time is", "", true},
                             {"why", "", true}});
  for (const CaseComparison& one : kind.cases)
    if (every_case || is_told(one))
      table.rows.push_back(joined(
          one.setting, {one.case_id, std::to_string(one.seconds.before.size()),
                        std::to_string(one.seconds.now.size()), number(one.seconds_before),
                        number(one.seconds_now), times(one.ratio.ratio), times(one.ratio.lower),
                        times(one.ratio.upper), chance(one.test.p), chance(one.adjusted_p),
                        text_of(one.verdict), one.why.empty() ? kNothing : one.why}));
  table.notes.emplace_back("n: timed repeats.");
  tell_not_listed(kind, "that are the same, cannot be told or are not compared", table);
  return table;
}

Table case_peaks(const KindComparison& kind, bool every_case) {
  Table table = cases_table(kind, "peaks",
                            {{"case", "", true},
                             {"peak before", "bytes"},
                             {"peak now", "bytes"},
                             {"change", "bytes"},
                             {"peak is", "", true}});
  for (const CaseComparison& one : kind.cases) {
    const std::string memory = memory_text(one);
    if (!every_case && (memory == "equal" || memory == kNothing))
      continue;
    table.rows.push_back(joined(
        one.setting,
        {one.case_id, count(one.peak_before), count(one.peak_now),
         memory == kNothing ? memory : std::to_string(one.peak_now - one.peak_before), memory}));
  }
  table.notes.push_back(fmt::format("Peak: {}, compared to the byte.", kind.peak));
  tell_not_listed(kind, "of an equal peak, or without one", table);
  return table;
}

} // namespace

std::vector<Table> comparison_tables(const Comparison& comparison) {
  std::vector<Table> tables;
  if (comparison.options.regression_percent)
    tables.push_back(regressions_table(comparison));
  tables.push_back(times_table(comparison));
  for (Table& table : std::vector{memory_table(comparison), changes_table(comparison),
                                  one_sided_table(comparison)})
    if (!table.rows.empty())
      tables.push_back(std::move(table));
  const bool every_case = comparison.options.every_case;
  const auto add_cases = [&](Table table) {
    if (!table.rows.empty())
      tables.push_back(std::move(table));
  };
  for (const KindComparison& kind : comparison.kinds) {
    add_cases(case_times(kind, every_case));
    if (!kind.peak.empty())
      add_cases(case_peaks(kind, every_case));
  }
  return tables;
}

} // namespace peakbench::report
