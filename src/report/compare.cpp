#include "report/compare.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/statistics.h"
#include "report/compare_arms.h"
#include "report/compare_cases.h"
#include "report/compare_context.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

using results::RunData;

bool could_be_significant(const CaseComparison& one) {
  return least_p(one.seconds.now.size(), one.seconds.before.size()) < kSignificant;
}

template <class Record>
std::vector<std::string> setting_of(const Record& row,
                                    const std::vector<const results::Field<Record>*>& varying) {
  std::vector<std::string> setting;
  for (const auto* field : varying) {
    const std::string text = results::text_of(results::value_of(*field, row));
    setting.push_back(text.empty() ? kNothing : text);
  }
  return setting;
}

std::string named(const std::vector<Column>& columns, const std::vector<std::string>& setting) {
  std::string text;
  for (std::size_t i = 0; i < setting.size(); ++i)
    if (setting[i] != kNothing)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", columns[i].title, setting[i]);
  return text;
}

// Medians, ratio and p; the verdict comes when all p are known.
template <class Record>
CaseComparison compare_case(const Side<Record>& before, const Side<Record>& now) {
  CaseComparison one;
  const Record &old = before.worst(), &fresh = now.worst();
  one.case_id = fresh.case_id;
  one.arm = Compared<Record>::arm(fresh);
  one.changes = changes_of(old, fresh);
  if (old.status != "ok" || fresh.status != "ok") {
    one.why = fmt::format("{} before, {} now", old.status, fresh.status);
    return one;
  }
  one.peak_before = before.peak();
  one.peak_now = now.peak();
  one.seconds = {now.seconds, before.seconds};
  const auto median_of = [](const std::vector<double>& seconds, const Record& row) {
    return seconds.empty() ? Compared<Record>::seconds(row) : summarize(seconds).median;
  };
  one.seconds_before = median_of(before.seconds, old);
  one.seconds_now = median_of(now.seconds, fresh);
  if (!(one.seconds_before > 0) || !(one.seconds_now > 0)) {
    one.why = "no time";
    return one;
  }
  one.verdict = TimeVerdict::cannot_tell;
  one.ratio = ratio_of_medians(now.seconds, before.seconds);
  if (now.seconds.empty() || before.seconds.empty())
    one.ratio.ratio = one.seconds_now / one.seconds_before;
  one.test = rank_sum_test(now.seconds, before.seconds);
  return one;
}

template <class Record>
KindComparison compare_kind(const std::vector<Record>& before, const std::vector<Record>& now,
                            const std::vector<results::RepeatRow>& repeats_before,
                            const std::vector<results::RepeatRow>& repeats_now) {
  using Of = Compared<Record>;
  KindComparison kind{
      std::string(Of::kKind), std::string(Of::kTitle), std::string(Of::kPeak), {}, {}, {}, {}, {}};
  Rows<Record> all;
  for (const auto* rows : {&before, &now})
    for (const Record& row : *rows)
      all.push_back(&row);
  if (all.empty())
    return kind;
  kind.validity = validity_of(all);
  const auto varying = varying_of(all);
  for (const auto* field : varying) {
    std::string title(field->name);
    std::ranges::replace(title, '_', ' ');
    kind.settings.push_back({title, "", true});
  }
  const Sides<Record> old = sides_of(before, repeats_before), fresh = sides_of(now, repeats_now);
  for (const auto& [id, side] : fresh) {
    const auto match = old.find(id);
    std::vector<std::string> setting = setting_of(*side.rows.front(), varying);
    if (match == old.end()) {
      kind.one_sided.push_back({std::string(id), named(kind.settings, setting), false});
      continue;
    }
    kind.cases.push_back(compare_case(match->second, side));
    kind.cases.back().setting = std::move(setting);
  }
  for (const auto& [id, side] : old)
    if (!fresh.contains(id))
      kind.one_sided.push_back(
          {std::string(id), named(kind.settings, setting_of(*side.rows.front(), varying)), true});
  // Whatever the order in which the hashes lie: by setting, then by id.
  std::ranges::sort(kind.cases, [](const CaseComparison& a, const CaseComparison& b) {
    if (setting_less(a.setting, b.setting) || setting_less(b.setting, a.setting))
      return setting_less(a.setting, b.setting);
    return a.case_id < b.case_id;
  });
  std::ranges::sort(kind.one_sided, [](const OneSided& a, const OneSided& b) {
    return std::tie(b.in_baseline, a.what, a.case_id) < std::tie(a.in_baseline, b.what, b.case_id);
  });
  return kind;
}

// The fewest repeats of each side with which complete separation would be told in each of so many
// cases.
std::size_t repeats_needed(std::size_t tests) {
  std::size_t repeats = 2;
  while (least_p(repeats, repeats) * static_cast<double>(std::max<std::size_t>(tests, 1)) >=
         kSignificant)
    ++repeats;
  return repeats;
}

void decide(CaseComparison& one, const Comparison& comparison) {
  if (one.verdict == TimeVerdict::not_compared)
    return;
  if (!could_be_significant(one)) {
    one.why = "too few repeats";
    return;
  }
  const double margin = 1 + comparison.options.same_percent / 100;
  const bool significant = one.adjusted_p < kSignificant;
  if (one.ratio.lower >= 1 / margin && one.ratio.upper <= margin)
    one.verdict = TimeVerdict::same;
  else if (significant && one.ratio.lower > 1)
    one.verdict = TimeVerdict::slower;
  else if (significant && one.ratio.upper < 1)
    one.verdict = TimeVerdict::faster;
  else if (one.ratio.lower <= 1 && one.ratio.upper >= 1)
    one.why = "the interval spans 1";
  else
    one.why = fmt::format("p is {} among {} cases", number(one.adjusted_p), comparison.tests);
}

// No outcome of those that are left out could be significant, which is known before any of them is
// looked at: they do not count as tests (Tarone 1990).
void decide_all(Comparison& comparison) {
  std::vector<CaseComparison*> tested;
  std::vector<double> p;
  for (KindComparison& kind : comparison.kinds)
    for (CaseComparison& one : kind.cases)
      if (one.verdict != TimeVerdict::not_compared && could_be_significant(one)) {
        tested.push_back(&one);
        p.push_back(one.test.p);
      }
  const std::vector<double> adjusted = holm(p);
  for (std::size_t i = 0; i < tested.size(); ++i)
    tested[i]->adjusted_p = adjusted[i];
  comparison.tests = tested.size();
  for (KindComparison& kind : comparison.kinds)
    for (CaseComparison& one : kind.cases)
      decide(one, comparison);
  comparison.repeats_needed =
      repeats_needed(comparison.cases() - comparison.count(TimeVerdict::not_compared));
}

void find_regressions(CaseComparison& one, double percent) {
  if (one.verdict == TimeVerdict::slower && one.ratio.ratio > 1 + percent / 100)
    one.regressions.push_back(slower_text(one.ratio.ratio));
  if (growth_percent(one) > percent)
    one.regressions.push_back(fmt::format("peak memory greater by {} % ({} bytes)",
                                          number(growth_percent(one)),
                                          one.peak_now - one.peak_before));
  for (const Change& change : one.changes) {
    const bool status = change.column == "status" && change.before == "ok";
    const bool validity = change.column == "validity" && change.now.starts_with("INVALID") &&
                          !change.before.starts_with("INVALID");
    if (status || validity)
      one.regressions.push_back(fmt::format("{} was {}, is {}", change.column,
                                            change.before.empty() ? kNothing : change.before,
                                            change.now));
  }
}

} // namespace

std::string text_of(TimeVerdict verdict) {
  switch (verdict) {
  case TimeVerdict::faster:
    return "faster";
  case TimeVerdict::slower:
    return "slower";
  case TimeVerdict::same:
    return "same";
  case TimeVerdict::cannot_tell:
    return "cannot tell";
  case TimeVerdict::not_compared:
    break;
  }
  return "not compared";
}

std::size_t Comparison::regressions() const {
  std::size_t count = 0;
  if (!options.regression_percent)
    return count;
  for (const KindComparison& kind : kinds) {
    count += static_cast<std::size_t>(std::ranges::count_if(
        kind.cases, [](const CaseComparison& one) { return !one.regressions.empty(); }));
    count += static_cast<std::size_t>(std::ranges::count_if(
        kind.arms, [](const ArmComparison& arm) { return !arm.regression.empty(); }));
    if (!options.allow_missing)
      count +=
          static_cast<std::size_t>(std::ranges::count_if(kind.one_sided, &OneSided::in_baseline));
  }
  return count;
}

std::size_t Comparison::count(TimeVerdict verdict) const {
  std::size_t all = 0;
  for (const KindComparison& kind : kinds)
    all +=
        static_cast<std::size_t>(std::ranges::count(kind.cases, verdict, &CaseComparison::verdict));
  return all;
}

std::size_t Comparison::cases() const {
  std::size_t all = 0;
  for (const KindComparison& kind : kinds)
    all += kind.cases.size();
  return all;
}

Comparison compare(const RunData& baseline, const RunData& now, const CompareOptions& options) {
  Comparison comparison;
  comparison.before = baseline.path;
  comparison.now = now.path;
  comparison.options = options;
  if (options.regression_percent) // what is a regression is not the same
    comparison.options.same_percent = std::min(options.same_percent, *options.regression_percent);
  const auto add = [&](auto cases, auto repeats) {
    KindComparison kind =
        compare_kind(baseline.*cases, now.*cases, baseline.*repeats, now.*repeats);
    if (!kind.cases.empty() || !kind.one_sided.empty())
      comparison.kinds.push_back(std::move(kind));
  };
  add(&RunData::eab, &RunData::eab_repeats);
  add(&RunData::ep, &RunData::ep_repeats);
  add(&RunData::comm, &RunData::comm_repeats);
  add(&RunData::scaling, &RunData::scaling_repeats);
  if (comparison.cases() == 0)
    throw UserError(
        fmt::format("{} and its baseline {} have no case in common", now.path, baseline.path),
        differences_of_settings(baseline, now),
        "Cases are the same if all their independent variables are (--list-columns).");
  decide_all(comparison);
  if (options.regression_percent)
    for (KindComparison& kind : comparison.kinds)
      for (CaseComparison& one : kind.cases)
        find_regressions(one, *options.regression_percent);
  compare_arms(comparison);
  comparison.notes = environment_notes(baseline, now);
  return comparison;
}

} // namespace peakbench::report
