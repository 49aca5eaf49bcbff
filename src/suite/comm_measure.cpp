#include "suite/comm_measure.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <stdexcept>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"
#include "base/statistics.h"
#include "suite/comm_pattern.h"

namespace peakbench::suite {

namespace {

constexpr std::int64_t kElementBytes = sizeof(float);
constexpr int kRoot = 0;
// A repeat is long enough for the clock and for the ranks not to begin at the same instant.
constexpr double kRepeatSeconds = 4e-3;
constexpr int kSlowCalls = 3;
constexpr int kLeastIterations = 20;
constexpr std::int64_t kMuchBytes = 32 << 20;
constexpr int kMostIterations = 10000;
constexpr double kUnwritten = -1; // no pattern has it

// Rank `from` first, for a text that is the same on all ranks.
std::string first_text(const cluster::Session& session, const std::string& mine) {
  const std::vector<std::string> texts = session.gather(mine);
  std::string first;
  for (std::size_t from = 0; from < texts.size() && first.empty(); ++from)
    if (!texts[from].empty())
      first = fmt::format("rank {}: {}", from, texts[from]);
  return session.broadcast(first);
}

Outcome outcome_here(const std::function<void()>& action) {
  try {
    action();
    return {};
  } catch (const Interrupted& stopped) {
    return {"interrupted", stopped.what()};
  } catch (...) {
    return outcome_of_current_exception();
  }
}

class CommTrial {
public:
  CommTrial(const cluster::Session& session, cluster::Collectives& collectives,
            const results::CommCase& record)
      : session_(session), collectives_(collectives), operation_(record.operation) {
    const std::int64_t count = elements_of(record);
    const bool gathers = operation_ == "all_gather";
    const auto there = at::TensorOptions(at::kFloat).device(collectives.device());
    host_ = at::empty({count}, at::kFloat);
    given_ = at::empty({count}, there);
    result_ = at::empty({gathers ? count * session.size() : count}, there);
  }

  void fill(std::uint64_t round) {
    pattern_ = CommPattern(round);
    pattern_.fill(session_.rank(), host_);
    given_.copy_(host_);
    result_.fill_(kUnwritten);
    if (operation_ == "broadcast" && session_.rank() == kRoot)
      result_.copy_(given_);
    measure::DeviceMemory::of(result_.device()).synchronize(); // done, before the clock starts
  }

  // What goes wrong here must not leave the others in an operation that this rank never comes to:
  // it takes part to the end, and throws then.
  void run(int iterations) {
    std::exception_ptr problem;
    for (int i = 0; i < iterations; ++i) {
      try {
        start_one();
      } catch (...) {
        if (!problem)
          problem = std::current_exception();
      }
    }
    if (problem)
      std::rethrow_exception(problem);
    collectives_.wait();
  }

  // What is wrong with this rank's result.
  std::string wrong() const {
    const at::Tensor host = result_.cpu();
    if (operation_ == "all_gather")
      return wrong_parts(pattern_, host, session_.size());
    if (operation_ == "broadcast")
      return wrong_copy(pattern_, host, kRoot);
    if (operation_ == "reduce" && session_.rank() != kRoot)
      return "";
    return wrong_sum(pattern_, host, session_.size());
  }

private:
  void start_one() {
    if (operation_ == "all_gather")
      collectives_.all_gather(given_, result_);
    else if (operation_ == "all_reduce")
      collectives_.all_reduce(given_, result_);
    else if (operation_ == "broadcast")
      collectives_.broadcast(result_, kRoot);
    else if (operation_ == "reduce")
      collectives_.reduce(given_, result_, kRoot);
    else
      throw std::invalid_argument("no collective operation of this name: " + operation_);
  }

  const cluster::Session& session_;
  cluster::Collectives& collectives_;
  std::string operation_;
  CommPattern pattern_{0};
  at::Tensor host_, given_, result_; // [count], [count], [count] or [ranks count]
};

// Repeats, and what all ranks know of them.
class Repeats {
public:
  Repeats(const cluster::Session& session, const CommLimits& limits, CommTrial& trial)
      : session_(session), limits_(limits), trial_(trial), step_(session),
        deadline_(limits.case_seconds, limits.stopped) {}

  // Not ok: how the case ends. Else seconds() is that of one of `iterations` operations.
  Outcome run(int iterations) {
    ++round_;
    // Apart from the operations: a rank that cannot begin must not leave the others in one.
    Outcome outcome = done_together(session_, [&] {
      deadline_.check();
      trial_.fill(round_);
    });
    if (outcome.status != "ok")
      return outcome;
    double mine = 0;
    step_.barrier();
    outcome = done_together(session_, [&] {
      const Deadline clock;
      trial_.run(iterations);
      mine = clock.elapsed_seconds();
      wrong_here_ = trial_.wrong();
    });
    if (outcome.status != "ok")
      return outcome;
    const std::vector<double> greatest = step_.greatest({mine, wrong_here_.empty() ? 0.0 : 1.0});
    all_seconds_ = greatest[0];
    seconds_ = greatest[0] / iterations;
    if (greatest[1] > 0 && wrong_.empty())
      wrong_ = first_text(session_, wrong_here_);
    return {};
  }
  double seconds() const { return seconds_; }
  double all_seconds() const { return all_seconds_; } // of all iterations
  const std::string& wrong() const { return wrong_; } // the first that was, on any rank

private:
  const cluster::Session& session_;
  const CommLimits& limits_;
  CommTrial& trial_;
  cluster::LockStep step_;
  Deadline deadline_;
  std::uint64_t round_ = 0;
  double seconds_ = 0, all_seconds_ = 0;
  std::string wrong_here_, wrong_;
};

// Twenty as in nccl-tests, fewer where they would move much.
int least_iterations(const results::CommCase& record) {
  return static_cast<int>(
      std::clamp<std::int64_t>(kMuchBytes / sent_bytes_of(record), 1, kLeastIterations));
}

// Warm-up, which finds out how many operations make a repeat. A single slow call says little: on a
// busy machine it is a rank that was not running. Only several in a row do.
Outcome warm_up(Repeats& repeats, int least, int& iterations) {
  int slow = 0;
  for (int call = 1;; ++call) {
    const Outcome outcome = repeats.run(iterations);
    if (outcome.status != "ok")
      return outcome;
    slow = repeats.all_seconds() >= kRepeatSeconds ? slow + 1 : 0;
    if (slow == 0 && iterations < kMostIterations)
      iterations = std::min(2 * iterations, kMostIterations);
    else if ((slow >= kSlowCalls || iterations == kMostIterations) && call >= least)
      return {};
  }
}

void fill_record(const Summary& seconds, measure::StopReason stop, const std::string& wrong,
                 int ranks, results::CommCase& record) {
  record.seconds = seconds.median;
  record.seconds_lower = seconds.lower;
  record.seconds_upper = seconds.upper;
  record.repeats = seconds.count;
  record.stop_reason = measure::name_of(stop);
  record.sent_bytes = sent_bytes_of(record);
  record.algorithm_bandwidth = static_cast<double>(record.sent_bytes) / seconds.median;
  record.bus_bandwidth = record.algorithm_bandwidth * bus_factor(record.operation, ranks);
  record.validity = wrong.empty() ? "VALID" : "INVALID: " + wrong;
}

} // namespace

std::int64_t elements_of(const results::CommCase& record) {
  const std::int64_t parts = record.operation == "all_gather" ? record.ranks : 1;
  return std::max<std::int64_t>(record.message_bytes / kElementBytes / parts, 1);
}

std::int64_t sent_bytes_of(const results::CommCase& record) {
  const std::int64_t parts = record.operation == "all_gather" ? record.ranks : 1;
  return elements_of(record) * kElementBytes * parts;
}

double bus_factor(const std::string& operation, int ranks) {
  const double n = ranks;
  if (operation == "all_gather")
    return (n - 1) / n;
  if (operation == "all_reduce")
    return 2 * (n - 1) / n;
  return 1;
}

Outcome done_together(const cluster::Session& session, const std::function<void()>& action) {
  const Outcome mine = outcome_here(action);
  const bool ok = mine.status == "ok";
  const std::vector<std::string> all = session.gather(ok ? "" : mine.status + "\n" + mine.reason);
  std::string verdict;
  for (std::size_t from = 0; from < all.size() && verdict.empty(); ++from)
    if (!all[from].empty())
      verdict = all.size() == 1 ? all[from]
                                : std::string(all[from]).insert(all[from].find('\n') + 1,
                                                                fmt::format("rank {}: ", from));
  verdict = session.broadcast(verdict);
  if (verdict.empty())
    return {};
  const std::size_t end = verdict.find('\n');
  return {verdict.substr(0, end), verdict.substr(end + 1)};
}

Outcome measure_collective(const cluster::Session& session, cluster::Collectives& collectives,
                           const CommLimits& limits, results::CommRow& row) {
  std::optional<CommTrial> trial;
  Outcome outcome =
      done_together(session, [&] { trial.emplace(session, collectives, row.record); });
  if (outcome.status != "ok")
    return outcome;
  Repeats repeats(session, limits, *trial);
  int iterations = least_iterations(row.record);
  outcome = warm_up(repeats, limits.repeats.warm_up, iterations);
  if (outcome.status != "ok")
    return outcome;

  std::vector<double> seconds;
  std::vector<results::RepeatRow> rows;
  Summary summary;
  measure::StopReason stop = measure::StopReason::max_repeats;
  for (double spent = 0;;) {
    outcome = repeats.run(iterations);
    if (outcome.status != "ok")
      return outcome;
    results::RepeatRow sample;
    sample.case_id = row.record.case_id;
    sample.repeat = static_cast<std::int64_t>(rows.size());
    sample.seconds = repeats.seconds();
    rows.push_back(sample);
    seconds.push_back(repeats.seconds());
    spent += repeats.all_seconds();
    summary = summarize(seconds);
    if (const auto why = measure::stop_of(limits.repeats, summary, spent)) {
      stop = *why;
      break;
    }
  }
  fill_record(summary, stop, repeats.wrong(), session.size(), row.record);
  row.repeats = rows;
  return {};
}

} // namespace peakbench::suite
