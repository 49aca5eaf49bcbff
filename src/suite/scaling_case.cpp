// How fast the first ranks of a run work off the same cases.
#include <fmt/format.h>

#include <algorithm>

#include "base/deadline.h"
#include "base/error.h"
#include "base/statistics.h"
#include "suite/collective_case.h"
#include "suite/outcome.h"
#include "suite/scaling_pass.h"

namespace peakbench::suite {

namespace {

using Pass = ScalingWork::Pass;

std::vector<double> seconds_of(const std::vector<Pass>& passes) {
  std::vector<double> seconds;
  for (const Pass& pass : passes)
    seconds.push_back(pass.seconds);
  return seconds;
}

// Every rank goes through the same passes, because the first one's word on the time counts.
struct Passes {
  std::vector<Pass> done;
  measure::StopReason stop = measure::StopReason::max_repeats;
};

Passes time_passes(const cluster::Session& part, ScalingWork& work, const std::string& share,
                   const Config& config) {
  const Deadline deadline;
  const auto one = [&] {
    const bool late = deadline.elapsed_seconds() > config.case_time_limit_seconds;
    if (part.broadcast(late ? "!" : "") == "!")
      throw TimedOut(fmt::format("time limit of {:g} s reached", config.case_time_limit_seconds));
    Pass pass = work.pass(part, share);
    if (pass.interrupted)
      throw Interrupted("interrupted");
    return pass;
  };
  for (int call = 0; call < config.repeats.warm_up; ++call)
    one();
  Passes passes;
  for (double spent = 0;;) {
    passes.done.push_back(one());
    spent += passes.done.back().seconds;
    const Summary seconds = summarize(seconds_of(passes.done));
    if (const auto stop = measure::stop_of(config.repeats, seconds, spent)) {
      passes.stop = *stop;
      return passes;
    }
  }
}

void fill(results::ScalingRow& row, const Passes& passes, std::size_t cases) {
  results::ScalingCase& record = row.record;
  const Summary seconds = summarize(seconds_of(passes.done));
  record.cases = static_cast<std::int64_t>(cases);
  record.seconds = seconds.median;
  record.seconds_lower = seconds.lower;
  record.seconds_upper = seconds.upper;
  record.cases_per_second = static_cast<double>(cases) / seconds.median;
  record.repeats = seconds.count;
  record.stop_reason = measure::name_of(passes.stop);
  // The pass whose time is the median, or the next shorter one.
  std::vector<const Pass*> ordered;
  for (const Pass& pass : passes.done)
    ordered.push_back(&pass);
  std::ranges::stable_sort(ordered, {}, [](const Pass* pass) { return pass->seconds; });
  const Pass& middle = *ordered[(ordered.size() - 1) / 2];
  record.busy_seconds = middle.busy_seconds;
  record.idle_seconds = middle.idle_seconds;
  record.load_seconds = middle.load_seconds;
  record.validity = "VALID";
  for (std::size_t repeat = 0; repeat < passes.done.size(); ++repeat) {
    const Pass& pass = passes.done[repeat];
    if (!pass.problem.empty() && record.validity == "VALID")
      record.validity = "INVALID: " + pass.problem;
    row.repeats.push_back(
        {record.case_id, static_cast<std::int64_t>(repeat), pass.seconds, results::kAbsent});
  }
  record.status = "ok";
}

// On the ranks that take part.
void measure_on(const cluster::Session& part, results::ScalingRow& row, const Config& config,
                const Placement& placement) {
  const int copies = row.record.mode == "weak" ? part.size() : 1;
  std::optional<ScalingWork> work;
  std::optional<std::string> error;
  try {
    work.emplace(config, copies, placement);
  } catch (const std::exception& problem) {
    error = problem.what();
  }
  part.agree(error);
  const Passes passes = time_passes(part, *work, row.record.share, config);
  fill(row, passes, work->cases());
}

} // namespace

std::optional<results::ScalingRow> run_scaling_case(const cluster::Session& session,
                                                    const ScalingPlanned& planned,
                                                    const Config& config,
                                                    const Placement& placement) {
  results::ScalingRow row;
  row.record = planned.record;
  if (planned.record.ranks > session.size()) {
    row.record.status = "skipped";
    row.record.reason =
        fmt::format("it needs {} ranks, the run has {}", planned.record.ranks, session.size());
    return row;
  }
  const auto part = session.of_first(static_cast<int>(planned.record.ranks));
  bool interrupted = false;
  try {
    if (part)
      run_guarded(row, [&](results::ScalingRow& attempt) {
        measure_on(*part, attempt, config, placement);
      });
  } catch (const Interrupted&) {
    interrupted = true;
  }
  // The others wait here, asleep.
  if (session.broadcast(interrupted ? "!" : "") == "!")
    return std::nullopt;
  return row;
}

} // namespace peakbench::suite
