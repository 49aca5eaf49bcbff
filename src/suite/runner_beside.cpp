// Cases in a process beside the rank.
#include <fmt/format.h>
#include <sys/wait.h>

#include <csignal>
#include <stdexcept>

#include "base/deadline.h"
#include "base/error.h"
#include "results/store.h"
#include "suite/case_runner.h"
#include "suite/child_process.h"
#include "suite/memory_events.h"
#include "suite/unmeasured.h"
#include "suite/worker.h"

namespace peakbench::suite {

namespace {

constexpr int kLookMilliseconds = 50; // between looks at the clock and at signals
constexpr double kEndSeconds = 5;     // from closing its pipe to its end
constexpr int kStartTries = 3;
constexpr double kStartSeconds = 300; // shared file systems can be slow to load programs from

class RunnerBeside final : public CaseRunner {
public:
  RunnerBeside(const Plan& plan, const Config& config, const Placement& placement, int copies)
      : plan_(plan), config_(config), placement_(placement),
        job_(to_frame(WorkerJob{config.yaml, config.path, config.overrides, copies, placement})) {
    std::signal(SIGPIPE, SIG_IGN); // a worker that is gone is seen by its status
    start();
  }

  void prepare(const std::function<bool()>& dropped) override { get_ready(dropped); }

  std::optional<CaseResult> run(std::size_t index, const std::function<bool()>& dropped) override {
    // A process that went while it had nothing to do takes no case with it.
    do {
      if (!get_ready(dropped))
        return std::nullopt;
    } while (!send(index));
    const Deadline clock;
    const double limit = config_.case_time_limit_seconds + config_.cluster.grace_seconds;
    for (std::string frame;;) {
      switch (child_->pipe().receive(frame, kLookMilliseconds)) {
      case FramePipe::Got::frame:
        return finished(frame);
      case FramePipe::Got::end: {
        const int status = child_->end(kEndSeconds);
        child_.reset();
        return ended(index, status);
      }
      case FramePipe::Got::nothing_yet:
        break;
      }
      if (dropped()) {
        child_.reset();
        return std::nullopt;
      }
      if (clock.elapsed_seconds() > limit) {
        child_.reset();
        return told(index, "timed_out",
                    fmt::format("time limit of {:g} s reached, and {:g} s later the process had "
                                "not come to its end: it was ended",
                                config_.case_time_limit_seconds, config_.cluster.grace_seconds));
      }
    }
  }
  double load_seconds() const override { return load_before_ + load_; }
  std::int64_t restarts() const override { return restarts_; }

private:
  void start() {
    load_before_ += load_;
    load_ = 0;
    ready_ = false;
    child_.emplace(std::vector<std::string>{"worker"});
    child_->pipe().send(job_);
  }

  bool send(std::size_t index) {
    kills_before_ = out_of_memory_kills();
    if (child_->pipe().send(std::to_string(index)))
      return true;
    child_.reset();
    return false;
  }

  // False if the case was dropped meanwhile.
  bool get_ready(const std::function<bool()>& dropped) {
    for (int tries = 1; !child_ || !ready_; ++tries) {
      if (!child_) {
        start();
        ++restarts_;
      }
      const Deadline clock;
      FramePipe::Got got = FramePipe::Got::nothing_yet;
      for (std::string frame; !ready_ && got != FramePipe::Got::end;) {
        if (dropped())
          return false;
        if (clock.elapsed_seconds() > kStartSeconds)
          break;
        got = child_->pipe().receive(frame, kLookMilliseconds);
        if (got == FramePipe::Got::frame)
          accept(ready_of(frame));
      }
      if (ready_)
        return true;
      const int status = child_->end(got == FramePipe::Got::end ? kEndSeconds : 0);
      child_.reset();
      if (tries == kStartTries)
        throw std::runtime_error(fmt::format("rank {}: the process for its cases did not start: {}",
                                             placement_.rank, describe_wait_status(status)));
    }
    return true;
  }

  void accept(const WorkerReady& ready) {
    if (!ready.error.empty())
      throw std::runtime_error(ready.error);
    if (ready.plan_hash != plan_.hash)
      throw std::runtime_error(fmt::format("rank {}: the process for its cases has another plan: "
                                           "prompts or models have changed since the start",
                                           placement_.rank));
    ready_ = true;
  }

  CaseResult finished(const std::string& frame) {
    const WorkerAnswer answer = answer_of(frame);
    if (!answer.error.empty())
      throw std::runtime_error(answer.error);
    load_ = answer.load_seconds;
    return {answer.message, {}};
  }

  CaseResult ended(std::size_t index, int status) const {
    // The count is of all processes of the group; the killer's signal is always this one.
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (killed && out_of_memory_kills() > kills_before_)
      return told(index, "out_of_memory",
                  "the system's out-of-memory killer ended the process of the case");
    return told(index, "failed", "the process of the case ended: " + describe_wait_status(status));
  }

  CaseResult told(std::size_t index, const std::string& status, const std::string& reason) const {
    return {results::to_message(unmeasured(plan_, index, placement_, status, reason)), {}};
  }

  const Plan& plan_;
  const Config& config_;
  Placement placement_;
  std::string job_;
  std::optional<ChildProcess> child_;
  bool ready_ = false;
  std::int64_t kills_before_ = 0;
  double load_before_ = 0, load_ = 0;
  std::int64_t restarts_ = 0;
};

} // namespace

std::unique_ptr<CaseRunner> runner_beside(const Plan& plan, const Config& config,
                                          const Placement& placement, int copies) {
  return std::make_unique<RunnerBeside>(plan, config, placement, copies);
}

} // namespace peakbench::suite
