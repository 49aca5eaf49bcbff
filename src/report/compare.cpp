#include "report/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/statistics.h"
#include "report/compare_cases.h"
#include "report/validity.h"
#include "results/drift.h"

namespace peakbench::report {

namespace {

using results::RunData;
constexpr double kSignificant = 0.05;

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
  one.verdict = Verdict::cannot_tell;
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

// The fewest repeats of each side with which complete separation would be told.
std::size_t repeats_needed(std::size_t tests) {
  std::size_t repeats = 2;
  while (least_p(repeats, repeats) * static_cast<double>(std::max<std::size_t>(tests, 1)) >=
         kSignificant)
    ++repeats;
  return repeats;
}

void decide(CaseComparison& one, double same_percent, std::size_t tests) {
  if (one.verdict == Verdict::not_compared)
    return;
  const std::size_t now = one.seconds.now.size(), before = one.seconds.before.size();
  if (!could_be_significant(one)) {
    one.why = fmt::format(
        "{} repeats before and {} now can give no p below {}; {} of each could", before, now,
        std::min(now, before) == 0 ? "1" : number(least_p(now, before)), repeats_needed(tests));
    return;
  }
  const double margin = 1 + same_percent / 100;
  const bool significant = one.adjusted_p < kSignificant;
  if (one.ratio.lower >= 1 / margin && one.ratio.upper <= margin) {
    one.verdict = Verdict::same;
  } else if (significant && one.ratio.lower > 1) {
    one.verdict = Verdict::slower;
  } else if (significant && one.ratio.upper < 1) {
    one.verdict = Verdict::faster;
  } else if (one.ratio.lower <= 1 && one.ratio.upper >= 1) {
    one.why = "the interval spans 1";
  } else {
    one.why = fmt::format("p is {} for one case alone, {} among {}", number(one.test.p),
                          number(one.adjusted_p), tests);
    if (least_p(now, before) * static_cast<double>(tests) >= kSignificant)
      one.why += fmt::format("; {} repeats of each could tell", repeats_needed(tests));
  }
}

// No outcome of those that are left out could be significant, which is known before any of them is
// looked at: they do not count as tests (Tarone 1990).
void decide_all(Comparison& comparison) {
  std::vector<CaseComparison*> tested;
  std::vector<double> p;
  for (KindComparison& kind : comparison.kinds)
    for (CaseComparison& one : kind.cases)
      if (one.verdict != Verdict::not_compared && could_be_significant(one)) {
        tested.push_back(&one);
        p.push_back(one.test.p);
      }
  const std::vector<double> adjusted = holm(p);
  for (std::size_t i = 0; i < tested.size(); ++i)
    tested[i]->adjusted_p = adjusted[i];
  comparison.tests = tested.size();
  for (KindComparison& kind : comparison.kinds)
    for (CaseComparison& one : kind.cases)
      decide(one, comparison.options.same_percent, comparison.tests);
}

double growth_percent(const CaseComparison& one) {
  if (one.peak_before < 0 || one.peak_now < 0)
    return results::kAbsentReal;
  return one.peak_now == one.peak_before
             ? 0
             : 100.0 * static_cast<double>(one.peak_now - one.peak_before) /
                   static_cast<double>(one.peak_before);
}

void find_regressions(CaseComparison& one, double percent) {
  if (one.verdict == Verdict::slower && one.ratio.ratio > 1 + percent / 100)
    one.regressions.push_back(
        one.ratio.ratio < 3 ? fmt::format("slower by {} %", number(100 * (one.ratio.ratio - 1)))
                            : fmt::format("takes {} times as long", number(one.ratio.ratio)));
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

void summarize_arms(KindComparison& kind) {
  std::vector<std::vector<Samples>> samples;
  for (const CaseComparison& one : kind.cases) {
    auto arm = std::ranges::find(kind.arms, one.arm, &ArmComparison::arm);
    if (arm == kind.arms.end()) {
      arm = kind.arms.insert(arm, ArmComparison{});
      arm->arm = one.arm;
      samples.emplace_back();
    }
    ++arm->cases;
    arm->faster += one.verdict == Verdict::faster;
    arm->slower += one.verdict == Verdict::slower;
    arm->same += one.verdict == Verdict::same;
    arm->cannot_tell += one.verdict == Verdict::cannot_tell;
    arm->not_compared += one.verdict == Verdict::not_compared;
    const double growth = growth_percent(one);
    arm->memory_equal += growth == 0;
    arm->memory_less += growth < 0;
    arm->memory_more += growth > 0;
    if (!std::isnan(growth) && !(growth <= arm->greatest_growth_percent))
      arm->greatest_growth_percent = growth;
    if (one.verdict != Verdict::not_compared)
      samples[static_cast<std::size_t>(arm - kind.arms.begin())].push_back(one.seconds);
  }
  for (std::size_t i = 0; i < kind.arms.size(); ++i)
    kind.arms[i].time = mean_ratio(samples[i]);
}

// Rows of /environment that cases are of.
std::vector<results::EnvironmentRow> environments_of(const RunData& run) {
  std::set<std::int64_t> numbers;
  const auto note = [&](const auto& rows) {
    for (const auto& row : rows)
      numbers.insert(row.environment);
  };
  note(run.eab);
  note(run.ep);
  note(run.comm);
  note(run.scaling);
  std::vector<results::EnvironmentRow> used;
  for (const std::int64_t number : numbers)
    if (number >= 0 && number < std::ssize(run.environment))
      used.push_back(run.environment[static_cast<std::size_t>(number)]);
  return used;
}

void add_environments(Comparison& comparison, const RunData& baseline, const RunData& now) {
  const auto before = environments_of(baseline), after = environments_of(now);
  if (before.empty() || after.empty()) {
    comparison.notes.emplace_back("Of one side the environment is not known.");
    return;
  }
  std::vector<results::Drift> ours, others;
  for (results::Drift& drift : results::drift_between(before, after))
    (drift.name == "git_revision" || drift.name == "peakbench_version" ? ours : others)
        .push_back(std::move(drift));
  if (!ours.empty())
    comparison.notes.push_back(fmt::format("Versions of the suite: {}.", results::text_of(ours)));
  comparison.notes.push_back(
      others.empty()
          ? "Both sides ran in the same environment: device, driver, processor, threads, libraries."
          : fmt::format("The environments differ ({}): what is compared is these as well, and no "
                        "difference is the code's alone.",
                        results::text_of(others)));
}

// Independent variables that have no value in common.
template <class Record>
std::string differences(const std::vector<Record>& before, const std::vector<Record>& now) {
  std::string text;
  if (before.empty() || now.empty())
    return text;
  for (const auto& field : results::fields<Record>()) {
    if (field.role != results::Role::independent)
      continue;
    std::set<std::string> old, fresh;
    for (const Record& row : before)
      old.insert(results::text_of(results::value_of(field, row)));
    for (const Record& row : now)
      fresh.insert(results::text_of(results::value_of(field, row)));
    if (std::ranges::none_of(old, [&](const std::string& value) { return fresh.contains(value); }))
      text += fmt::format("{}{} {} before, {} now", text.empty() ? "" : "; ", field.name,
                          fmt::join(old, " "), fmt::join(fresh, " "));
  }
  return text;
}

void require_common_cases(const Comparison& comparison, const RunData& baseline,
                          const RunData& now) {
  for (const KindComparison& kind : comparison.kinds)
    if (!kind.cases.empty())
      return;
  std::string why = differences(baseline.eab, now.eab);
  for (const std::string& more :
       {differences(baseline.ep, now.ep), differences(baseline.comm, now.comm),
        differences(baseline.scaling, now.scaling)})
    why += (why.empty() || more.empty() ? "" : "; ") + more;
  throw UserError(fmt::format("{} and its baseline {} have no case in common", comparison.now,
                              comparison.before),
                  why,
                  "Cases are the same if all their independent variables are (--list-columns).");
}

} // namespace

std::string text_of(Verdict verdict) {
  switch (verdict) {
  case Verdict::faster:
    return "faster";
  case Verdict::slower:
    return "slower";
  case Verdict::same:
    return "same";
  case Verdict::cannot_tell:
    return "cannot tell";
  case Verdict::not_compared:
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
    if (!options.allow_missing)
      count +=
          static_cast<std::size_t>(std::ranges::count_if(kind.one_sided, &OneSided::in_baseline));
  }
  return count;
}

Comparison compare(const RunData& baseline, const RunData& now, const CompareOptions& options) {
  Comparison comparison;
  comparison.before = baseline.path;
  comparison.now = now.path;
  comparison.options = options;
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
  require_common_cases(comparison, baseline, now);
  decide_all(comparison);
  for (KindComparison& kind : comparison.kinds) {
    if (options.regression_percent)
      for (CaseComparison& one : kind.cases)
        find_regressions(one, *options.regression_percent);
    summarize_arms(kind);
  }
  add_environments(comparison, baseline, now);
  return comparison;
}

} // namespace peakbench::report
