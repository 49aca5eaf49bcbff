#include "aggregate/comparing.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <iostream>

#include "aggregate/inputs.h"
#include "aggregate/options.h"
#include "base/error.h"
#include "report/merge.h"

namespace peakbench::aggregate {

namespace {
constexpr const char* kGroup = "Comparison";
}

void add_comparing_options(CLI::App& app, Comparing& comparing) {
  app.add_option("--compare", comparing.baselines,
                 "compare with this results file case by case, in place of the tables; several "
                 "times: the repeats of these files together")
      ->allow_extra_args(false)
      ->check(not_empty())
      ->type_name("BASELINE")
      ->group(kGroup);
  app.add_option("--fail-on-regression", comparing.fail_percent,
                 "exit with 1 if a case, an arm or all arms are slower, or a peak greater, by more "
                 "than this percent, or a case is not ok or valid any more, or is missing")
      ->check(from_zero(false))
      ->type_name("PERCENT")
      ->group(kGroup);
  app.add_flag("--allow-missing", comparing.allow_missing,
               "cases of the baseline that FILE lacks are no regression")
      ->group(kGroup);
  app.add_option("--same-within", comparing.same_percent,
                 "times count as the same if the interval of their ratio lies within this, "
                 "or within that of --fail-on-regression if it is less")
      ->check(from_zero(false))
      ->type_name("PERCENT")
      ->capture_default_str()
      ->group(kGroup);
}

void check_comparing(const Options& options) {
  const Comparing& comparing = options.comparing;
  if (!comparing.asked() && (comparing.fail_percent >= 0 || comparing.allow_missing))
    throw UserError("--fail-on-regression and --allow-missing change nothing",
                    "there is nothing to compare with", "Add --compare BASELINE.");
  if (comparing.allow_missing && comparing.fail_percent < 0)
    throw UserError("--allow-missing changes nothing", "nothing fails",
                    "Add --fail-on-regression PERCENT.");
  if (comparing.asked() && (options.rows != "tables" || is_query(options)))
    throw UserError(
        "--compare gives tables of its own", "rows and columns cannot be chosen for them",
        "Leave out --rows, --columns, --group-by, --sort and --limit; --where applies.");
}

namespace {

Options of_baseline(const Options& options) {
  Options baseline = options;
  baseline.files = options.comparing.baselines;
  baseline.inputs = {};
  baseline.to.clear();
  return baseline;
}

} // namespace

std::vector<std::string> baseline_files(const Options& options) {
  return options.comparing.asked() ? files_of(of_baseline(options)) : std::vector<std::string>();
}

report::Comparison compare_with_baseline(const Options& options, const results::RunData& run) {
  std::vector<results::RunData> runs = load_all(of_baseline(options));
  choose_rows(options, runs);
  report::CompareOptions how;
  how.same_percent = options.comparing.same_percent;
  how.every_case = options.detail;
  how.allow_missing = options.comparing.allow_missing;
  if (options.comparing.fail_percent >= 0)
    how.regression_percent = options.comparing.fail_percent;
  return report::compare(report::merge(std::move(runs)).run, run, how);
}

int status_of(const report::Comparison& comparison) {
  if (!comparison.options.regression_percent)
    return kExitOk;
  if (const std::size_t unclear = comparison.count(report::TimeVerdict::cannot_tell); unclear > 0)
    std::cerr << fmt::format("warning: the times of {} of {} cases cannot be told; a regression of "
                             "theirs would not be found\n",
                             unclear, comparison.cases());
  const std::size_t regressions = comparison.regressions();
  std::cerr << fmt::format(
      "peakbench-aggregate: {} regression{} beyond {} % against {}, {} cases\n",
      regressions == 0 ? "no" : std::to_string(regressions), regressions == 1 ? "" : "s",
      *comparison.options.regression_percent, comparison.before, comparison.cases());
  return regressions == 0 ? kExitOk : kExitFailedCases;
}

} // namespace peakbench::aggregate
