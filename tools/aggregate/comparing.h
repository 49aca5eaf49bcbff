// One run against another: --compare, --fail-on-regression.
#pragma once

#include <CLI/App.hpp>

#include <string>
#include <vector>

#include "report/compare.h"

namespace peakbench::aggregate {

struct Options;

struct Comparing {
  std::vector<std::string> baselines;
  double same_percent = 5, fail_percent = -1; // -1: nothing fails
  bool allow_missing = false;
  bool asked() const { return !baselines.empty(); }
};

void add_comparing_options(CLI::App& app, Comparing& comparing);
void check_comparing(const Options& options);

// As files_of. None without --compare.
std::vector<std::string> baseline_files(const Options& options);
// Of what was loaded (and chosen) against the baseline, which is loaded and chosen from likewise.
report::Comparison compare_with_baseline(const Options& options, const results::RunData& run);
// kExitOk, or kExitFailedCases if there are regressions that were asked for; a line on the standard
// error, the last of a log, says how many.
int status_of(const report::Comparison& comparison);

} // namespace peakbench::aggregate
