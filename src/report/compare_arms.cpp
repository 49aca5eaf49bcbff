#include "report/compare_arms.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/numbers.h"
#include "report/rank_sum.h"

namespace peakbench::report {

double growth_percent(const CaseComparison& one) {
  if (one.peak_before < 0 || one.peak_now < 0)
    return results::kAbsentReal;
  return one.peak_now == one.peak_before
             ? 0
             : 100.0 * static_cast<double>(one.peak_now - one.peak_before) /
                   static_cast<double>(one.peak_before);
}

std::string slower_text(double ratio) {
  return ratio < 3 ? fmt::format("slower by {} %", number(100 * (ratio - 1)))
                   : fmt::format("takes {} times as long", number(ratio));
}

namespace {

struct ArmCases {
  ArmComparison arm;
  std::vector<Samples> samples;

  void add(const CaseComparison& one) {
    ++arm.cases;
    arm.faster += one.verdict == TimeVerdict::faster;
    arm.slower += one.verdict == TimeVerdict::slower;
    arm.same += one.verdict == TimeVerdict::same;
    arm.cannot_tell += one.verdict == TimeVerdict::cannot_tell;
    arm.not_compared += one.verdict == TimeVerdict::not_compared;
    const double growth = growth_percent(one);
    arm.memory_equal += growth == 0;
    arm.memory_less += growth < 0;
    arm.memory_more += growth > 0;
    if (!std::isnan(growth) && !(growth <= arm.greatest_growth_percent))
      arm.greatest_growth_percent = growth;
    arm.longer += one.ratio.ratio > 1;
    arm.shorter += one.ratio.ratio < 1;
    if (one.verdict != TimeVerdict::not_compared)
      samples.push_back(one.seconds);
  }
};

void summarize_arms(KindComparison& kind) {
  std::vector<ArmCases> arms;
  ArmCases all;
  all.arm.arm = kAllArms;
  for (const CaseComparison& one : kind.cases) {
    auto found = std::ranges::find(arms, one.arm, [](const ArmCases& of) { return of.arm.arm; });
    if (found == arms.end()) {
      found = arms.emplace(found);
      found->arm.arm = one.arm;
    }
    found->add(one);
    all.add(one);
  }
  if (arms.size() > 1)
    arms.push_back(std::move(all));
  for (ArmCases& of : arms) {
    of.arm.time = mean_ratio(of.samples);
    kind.arms.push_back(std::move(of.arm));
  }
}

TimeVerdict verdict_of(const ArmComparison& arm, double same_percent) {
  const double margin = 1 + same_percent / 100;
  const Ratio& time = arm.time;
  if (std::isnan(time.ratio))
    return TimeVerdict::not_compared;
  if (time.lower >= 1 / margin && time.upper <= margin) // not so without an interval
    return TimeVerdict::same;
  if (!(arm.adjusted_p < kSignificant))
    return TimeVerdict::cannot_tell;
  const bool spread = !std::isnan(time.lower);
  if (spread ? time.lower > 1 : time.ratio > 1)
    return TimeVerdict::slower;
  return (spread ? time.upper < 1 : time.ratio < 1) ? TimeVerdict::faster
                                                    : TimeVerdict::cannot_tell;
}

void decide_arms(Comparison& comparison) {
  std::vector<ArmComparison*> arms;
  std::vector<double> p;
  for (KindComparison& kind : comparison.kinds)
    for (ArmComparison& arm : kind.arms) {
      arms.push_back(&arm);
      p.push_back(std::isnan(arm.time.ratio) ? results::kAbsentReal
                                             : sign_test_p(arm.longer, arm.shorter));
    }
  const std::vector<double> adjusted = holm(p);
  for (std::size_t i = 0; i < arms.size(); ++i) {
    arms[i]->adjusted_p = adjusted[i];
    arms[i]->verdict = verdict_of(*arms[i], comparison.options.same_percent);
  }
}

void find_arm_regressions(std::vector<ArmComparison>& arms, double percent) {
  bool told = false;
  for (ArmComparison& arm : arms) {
    const bool all = arm.arm == kAllArms;
    if ((all && told) || arm.verdict != TimeVerdict::slower ||
        !(arm.time.ratio > 1 + percent / 100))
      continue;
    told = true;
    arm.regression = slower_text(arm.time.ratio) +
                     (all ? ", all cases together" : ", all cases of the arm together");
  }
}

} // namespace

void compare_arms(Comparison& comparison) {
  for (KindComparison& kind : comparison.kinds)
    summarize_arms(kind);
  decide_arms(comparison);
  if (comparison.options.regression_percent)
    for (KindComparison& kind : comparison.kinds)
      find_arm_regressions(kind.arms, *comparison.options.regression_percent);
}

} // namespace peakbench::report
