// Is it faster, slower or the same? The cases of one run against those of another, by case id.
//
// Time: ratio of the medians (now / before), its bootstrap interval (median_ratio.h), and the
// rank-sum test of the repeats (rank_sum.h), adjusted by Holm over all cases that are compared at
// once. Memory: peaks in bytes, which repeat exactly on the CPU, and so are compared exactly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/median_ratio.h"
#include "report/rank_sum.h"
#include "report/report.h"

namespace peakbench::report {

struct CompareOptions {
  // "Same": the interval lies within this; at most regression_percent.
  double same_percent = 5;
  std::optional<double> regression_percent; // see CaseComparison::regressions
  bool allow_missing = false;               // cases of the baseline alone are no regression
  bool every_case = true;                   // in tables; else those that changed
};

inline constexpr const char* kAllArms = "all arms";

enum class TimeVerdict {
  faster,       // the interval ends below 1, and the adjusted p is below 5 %
  slower,       // it begins above 1, and the adjusted p is below 5 %
  same,         // it lies within [1 / (1 + same), 1 + same], whatever p is
  cannot_tell,  // none of these, or too few repeats for any p below 5 %
  not_compared, // not ok in both, or no times
};
std::string text_of(TimeVerdict verdict);

struct Change {
  std::string column, before, now;
};

struct CaseComparison {
  std::string case_id, arm;         // arm: with the way of decoding
  std::vector<std::string> setting; // as KindComparison::settings
  Samples seconds;                  // of the repeats, of all files of a side
  double seconds_before = results::kAbsentReal, seconds_now = results::kAbsentReal; // medians
  Ratio ratio;
  RankSum test;
  double adjusted_p = results::kAbsentReal; // absent: too few repeats for any p below 5 %
  TimeVerdict verdict = TimeVerdict::not_compared;
  std::string why; // of cannot_tell and not_compared: what to do
  std::int64_t peak_before = results::kAbsent, peak_now = results::kAbsent;
  std::vector<Change> changes; // of status, validity and correctness
  // With regression_percent: slower by more than that (the verdict being slower), a peak greater by
  // more than that, or ok and valid before and not now. Empty: none.
  std::vector<std::string> regressions;
};

// What a case alone cannot tell, all cases of an arm together may: does it take longer? And where
// an arm has too few of them, all cases of all arms.
struct ArmComparison {
  std::string arm; // or kAllArms, the last one where there are several
  std::size_t cases = 0;
  Ratio time;                               // geometric mean over the cases that are ok in both
  std::size_t longer = 0, shorter = 0;      // cases whose median is
  double adjusted_p = results::kAbsentReal; // sign test of these, adjusted by Holm over the arms
  // As of a case; without an interval (single repeats) by the ratio and p alone.
  TimeVerdict verdict = TimeVerdict::not_compared;
  // With regression_percent: slower by more than that. Empty: not, or, of all arms, told by one of
  // them already.
  std::string regression;
  std::size_t faster = 0, slower = 0, same = 0, cannot_tell = 0, not_compared = 0;
  std::size_t memory_equal = 0, memory_less = 0, memory_more = 0;
  double greatest_growth_percent = results::kAbsentReal; // of a peak, of all cases
};

struct OneSided {
  std::string case_id, what;
  bool in_baseline = false; // else in the new run alone
};

struct KindComparison {
  std::string kind, title, peak; // peak: the column that is compared, empty without
  std::vector<Column> settings;  // independent variables that vary
  std::vector<CaseComparison> cases;
  std::vector<ArmComparison> arms;
  std::vector<OneSided> one_sided;
  std::string validity; // of the rows of both sides (validity.h)
};

struct Comparison {
  std::string before, now; // the files
  std::vector<KindComparison> kinds;
  CompareOptions options;
  std::size_t tests = 0;          // whose p are adjusted together
  std::size_t repeats_needed = 0; // of each side, so that each of these cases could be told
  std::vector<std::string> notes; // on the environments
  // Cases with one, missing cases if those count, and arms.
  std::size_t regressions() const;
  // Cases with this verdict, and all that are in both.
  std::size_t count(TimeVerdict verdict) const;
  std::size_t cases() const;
};

// UserError if the two have no case in common, saying in what all their cases differ.
Comparison compare(const results::RunData& baseline, const results::RunData& now,
                   const CompareOptions& options);

// Regressions (if they were asked for), a line per arm, what changed in correctness, cases of one
// side alone, every case.
std::vector<Table> comparison_tables(const Comparison& comparison);

} // namespace peakbench::report
