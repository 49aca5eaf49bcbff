#include "suite/scaling_pass.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>

#include "base/error.h"
#include "cluster/summary.h"
#include "suite/interrupt.h"
#include "suite/run_info.h"

namespace peakbench::suite {

namespace {

namespace fs = std::filesystem;

// What goes wrong on one rank must not leave the others waiting: it is kept until all meet.
class Careful final : public CaseRunner {
public:
  explicit Careful(CaseRunner& runner) : runner_(runner) {}
  void prepare(const std::function<bool()>& dropped) override {
    guarded([&] {
      runner_.prepare(dropped);
      return std::optional<CaseResult>();
    });
  }
  std::optional<CaseResult> run(std::size_t index, const std::function<bool()>& dropped) override {
    return guarded([&] { return runner_.run(index, dropped); });
  }
  double load_seconds() const override { return runner_.load_seconds(); }
  std::int64_t restarts() const override { return runner_.restarts(); }
  const std::optional<std::string>& error() const { return error_; }

private:
  template <class Action>
  std::optional<CaseResult> guarded(Action action) {
    if (error_)
      return std::nullopt;
    try {
      return action();
    } catch (const std::exception& problem) {
      error_ = problem.what();
      return std::nullopt;
    }
  }
  CaseRunner& runner_;
  std::optional<std::string> error_;
};

// A results file as a run has one, for as long as this lives.
class ScratchStore {
public:
  ScratchStore(const Config& config, const Plan& plan) {
    std::string folder = (fs::temp_directory_path() / "peakbench-scaling-XXXXXX").string();
    if (!mkdtemp(folder.data()))
      throw UserError("cannot make the folder " + folder, "a scaling case writes results there",
                      "set TMPDIR to a folder that can be written to");
    folder_ = folder;
    store_ = results::Store::create((folder_ / "pass.h5").string(), run_info(config, plan, ""));
  }
  ~ScratchStore() {
    store_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  ScratchStore(const ScratchStore&) = delete;
  ScratchStore& operator=(const ScratchStore&) = delete;
  void append(const results::AnyRow& row) { store_->append(row); }

private:
  fs::path folder_;
  std::optional<results::Store> store_;
};

// Every case exactly once, every one `ok`.
class Tally {
public:
  explicit Tally(const Plan& plan) {
    for (const PlannedCase& one : plan.cases)
      times_[one.id] = 0;
  }
  void count(const results::AnyRow& row) {
    std::visit(
        [&](const auto& known) {
          const auto& record = known.record;
          ++times_[record.case_id];
          if (record.status != "ok" && problem_.empty())
            problem_ =
                fmt::format("case {} is {}: {}", record.case_id, record.status, record.reason);
        },
        row);
  }
  std::string problem() const {
    for (const auto& [id, times] : times_)
      if (times != 1)
        return fmt::format("case {} was done {} times", id, times);
    return problem_;
  }

private:
  std::map<std::string, int> times_;
  std::string problem_;
};

} // namespace

ScalingWork::ScalingWork(const Config& config, int copies, const Placement& placement)
    : config_(workload_of(config, copies)), plan_(make_plan(config_)), placement_(placement),
      runner_(runs_beside(config) ? runner_beside(plan_, config_, placement, copies)
                                  : runner_here(plan_, config_, placement)) {}

ScalingWork::Pass ScalingWork::pass(const cluster::Session& part, const std::string& share) {
  std::optional<ScratchStore> store;
  std::optional<std::string> error;
  try {
    if (part.rank() == 0)
      store.emplace(config_, plan_);
  } catch (const std::exception& problem) {
    error = problem.what();
  }
  part.agree(error);

  Tally tally(plan_);
  Careful careful(*runner_);
  std::vector<std::size_t> all(plan_.cases.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  careful.prepare(InterruptWatch::at_once); // no rank begins while another one still starts
  part.barrier();
  const RankSummary mine = run_shared_cases(part, {plan_, all, share, config_.cluster, placement_},
                                            careful, [&](const results::AnyRow& row) {
                                              store->append(row);
                                              tally.count(row);
                                            });
  part.agree(careful.error());

  Pass result;
  const std::vector<double> values{mine.seconds, mine.busy_seconds, mine.idle_seconds,
                                   mine.load_seconds, InterruptWatch::interrupted() ? 1.0 : 0.0};
  for (const auto& row :
       cluster::gather_summary(part, cluster::GatherBy::mpi, c10::Device(c10::kCPU), values)) {
    result.seconds = std::max(result.seconds, row[0]);
    result.busy_seconds += row[1];
    result.idle_seconds += row[2];
    result.load_seconds += row[3];
    result.interrupted = result.interrupted || row[4] > 0;
  }
  if (part.rank() == 0)
    result.problem = tally.problem();
  return result;
}

} // namespace peakbench::suite
