#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include "results/store.h"
#include "suite/case_runner.h"
#include "suite/memory_events.h"
#include "support/processes.h"
#include "support/support.h"

namespace peakbench::suite {
namespace {

using namespace peakbench::testing;
using ::testing::HasSubstr;

const auto never = [] { return false; };

class Beside : public ::testing::Test {
protected:
  explicit Beside(const std::string& yaml = R"(
repeats: {warm_up: 0, min: 2, max: 2}
case_time_limit_seconds: 100
ep: {arms: [ep_fused], depths: [2, 3, 4], width: 8, batch: 2, steps: 4}
)")
      : config_(parse_config(yaml, "c.yaml", {})), plan_(make_plan(config_)),
        runner_(runner_beside(plan_, config_, {3, "here", c10::kCPU, 1, 6})) {}

  results::EpCase run(std::size_t index, const std::function<bool()>& dropped = never) {
    const auto finished = runner_->run(index, dropped);
    if (!finished)
      return {};
    return std::get<results::EpRow>(results::from_message(finished->message)).record;
  }
  pid_t worker() const {
    const auto children = children_of(getpid());
    return children.size() == 1 ? children[0] : -1;
  }
  static void stop(pid_t process) {
    EXPECT_TRUE(send(process, SIGSTOP));
    EXPECT_TRUE(within(60, [&] { return state_of(process) == 'T'; }));
  }
  // A case that cannot come to its end by itself, and what is done to its process.
  results::EpCase run_with(std::size_t index, std::initializer_list<int> signals) {
    const pid_t process = worker();
    stop(process);
    bool done = false;
    return run(index, [&] {
      for (const int signal : signals)
        if (!done)
          send(process, signal);
      done = true;
      return false;
    });
  }
  void expect_it_goes_on() {
    EXPECT_EQ(run(2).status, "ok");
    EXPECT_EQ(run(0).status, "ok");
    EXPECT_EQ(children_of(getpid()).size(), 1u) << "one process at a time";
  }

  Config config_;
  Plan plan_;
  std::unique_ptr<CaseRunner> runner_;
};

TEST_F(Beside, RecordsSayWhereTheyComeFrom) {
  const results::EpCase record = run(1);
  EXPECT_EQ(record.status, "ok") << record.reason;
  EXPECT_EQ(record.case_id, plan_.ep[1].record.case_id);
  EXPECT_EQ(record.rank, 3);
  EXPECT_EQ(record.host, "here");
  EXPECT_EQ(record.device, "cpu");
  EXPECT_EQ(record.environment, 6);
  EXPECT_EQ(runner_->restarts(), 0);
}

TEST_F(Beside, EqualsTheSameCasesInThisProcess) {
  const auto here = runner_here(plan_, config_, {3, "here", c10::kCPU, 1, 6});
  for (const std::size_t index : {0u, 1u, 2u}) {
    const auto row = [&](CaseRunner& runner) {
      return std::get<results::EpRow>(results::from_message(runner.run(index, never)->message));
    };
    const results::EpRow a = row(*here), b = row(*runner_);
    EXPECT_EQ(a.record.peak_bytes, b.record.peak_bytes);
    EXPECT_EQ(a.record.training_loss, b.record.training_loss);
    EXPECT_EQ(a.record.gradient_error, b.record.gradient_error);
    EXPECT_EQ(a.trace.energy, b.trace.energy);
    EXPECT_EQ(a.trace.gradient_norm, b.trace.gradient_norm);
    EXPECT_EQ(a.repeats.size(), b.repeats.size());
    EXPECT_FALSE(a.trace.energy.empty());
  }
}

TEST_F(Beside, AKilledProcessFailsItsCaseAlone) {
  EXPECT_EQ(run(0).status, "ok");
  const results::EpCase failed = run_with(1, {SIGKILL});
  EXPECT_EQ(failed.status, "failed");
  EXPECT_THAT(failed.reason, HasSubstr("signal 9 (Killed)"));
  EXPECT_EQ(failed.case_id, plan_.ep[1].record.case_id);
  EXPECT_EQ(failed.rank, 3);
  EXPECT_EQ(failed.host, "here");
  EXPECT_EQ(failed.environment, 6);
  EXPECT_EQ(failed.peak_bytes, results::kAbsent) << "measured or absent";
  expect_it_goes_on();
  EXPECT_EQ(runner_->restarts(), 1);
}

TEST_F(Beside, ACrashIsNamed) {
  PEAKBENCH_NOT_UNDER_SANITIZERS("they take that signal");
  EXPECT_EQ(run(0).status, "ok");
  EXPECT_THAT(run_with(1, {SIGSEGV, SIGCONT}).reason, HasSubstr("signal 11 (Segmentation fault)"));
  expect_it_goes_on();
}

TEST_F(Beside, SignalsThatEndARunDoNotEndACase) {
  EXPECT_EQ(run(0).status, "ok");
  EXPECT_EQ(run_with(1, {SIGINT, SIGTERM, SIGUSR1, SIGCONT}).status, "ok");
  EXPECT_EQ(runner_->restarts(), 0);
}

TEST_F(Beside, AProcessThatWentBetweenCasesTakesNoneWithIt) {
  EXPECT_EQ(run(0).status, "ok");
  const pid_t process = worker();
  ASSERT_TRUE(send(process, SIGKILL));
  EXPECT_TRUE(within(60, [&] { return !is_alive(process); }));
  expect_it_goes_on();
  EXPECT_EQ(runner_->restarts(), 1);
}

TEST_F(Beside, AProcessThatWentWhileItStartedIsStartedAgain) {
  const pid_t process = worker();
  ASSERT_TRUE(send(process, SIGKILL));
  EXPECT_EQ(run(1).status, "ok");
  EXPECT_EQ(runner_->restarts(), 1);
}

TEST_F(Beside, WaitingForItsStartCanBeDropped) {
  const pid_t process = worker();
  stop(process);
  int asked = 0;
  runner_->prepare([&] { return ++asked > 3; });
  EXPECT_EQ(asked, 4);
  EXPECT_TRUE(send(process, SIGCONT));
  EXPECT_EQ(run(1).status, "ok");
  EXPECT_EQ(runner_->restarts(), 0);
}

TEST_F(Beside, ADroppedCaseLeavesNoRecordAndNoProcess) {
  EXPECT_EQ(run(0).status, "ok");
  const pid_t process = worker();
  stop(process);
  int asked = 0;
  EXPECT_FALSE(runner_->run(1, [&] { return ++asked > 3; }));
  EXPECT_EQ(state_of(process), ' ');
  expect_it_goes_on();
}

TEST_F(Beside, NoProcessIsLeftWithoutItsRunner) {
  EXPECT_EQ(run(0).status, "ok");
  runner_.reset();
  EXPECT_TRUE(children_of(getpid()).empty());
}

TEST_F(Beside, AStoppedProcessIsTimedOutAndGone) {
  EXPECT_EQ(run(0).status, "ok");
  const pid_t process = worker();
  stop(process);
  // The runner's own limits; the process keeps to those that it was started with.
  const Config patient = config_;
  config_.case_time_limit_seconds = 0.2;
  config_.cluster.grace_seconds = 0.3;
  const results::EpCase record = run(1);
  EXPECT_EQ(record.status, "timed_out");
  EXPECT_THAT(record.reason, HasSubstr("time limit of 0.2 s reached, and 0.3 s later"));
  EXPECT_EQ(state_of(process), ' ');
  config_ = patient;
  expect_it_goes_on();
}

// Weights of 64 MB a layer.
class BesideWithLargeCases : public Beside {
protected:
  BesideWithLargeCases()
      : Beside("repeats: {warm_up: 0, min: 1, max: 1}\ncase_time_limit_seconds: 100\n"
               "ep: {arms: [backprop], optimizer: sgd, depths: 12, width: [4096, 8, 9], batch: 2, "
               "steps: 4}\n") {}
};

TEST_F(BesideWithLargeCases, NoAddressSpaceLeftIsOutOfMemory) {
  PEAKBENCH_NOT_UNDER_SANITIZERS("they end a process that has no address space left");
  EXPECT_EQ(run(1).status, "ok");
  std::ifstream status("/proc/" + std::to_string(worker()) + "/status");
  rlim_t kilobytes = 0;
  for (std::string word; status >> word && word != "VmSize:";)
    ;
  status >> kilobytes;
  ASSERT_GT(kilobytes, 0u);
  rlimit limit{};
  limit.rlim_cur = limit.rlim_max = kilobytes * 1024 + (rlim_t{200} << 20);
  ASSERT_EQ(prlimit(worker(), RLIMIT_AS, &limit, nullptr), 0);
  const results::EpCase record = run(0);
  EXPECT_EQ(record.status, "out_of_memory") << record.reason;
  EXPECT_THAT(record.reason, HasSubstr("bytes asked for"));
  EXPECT_EQ(run(2).status, "ok") << "what it had is free again";
  EXPECT_EQ(runner_->restarts(), 0);
}

// A control group for memory with this process in it, and with it the children it starts.
class MemoryGroup {
public:
  explicit MemoryGroup(std::int64_t bytes) {
    std::ifstream groups("/proc/self/cgroup");
    const std::filesystem::path events =
        memory_events_file({std::istreambuf_iterator<char>(groups), {}});
    outer_ = events.parent_path();
    const bool first_version = events.filename() == "memory.oom_control";
    folder_ = outer_ / ("peakbench_test_" + std::to_string(getpid()));
    std::error_code error;
    std::filesystem::create_directory(folder_, error);
    if (first_version) {
      set("memory.limit_in_bytes", bytes);
      set("memory.memsw.limit_in_bytes", bytes);
    } else {
      set("memory.max", bytes);
      set("memory.swap.max", 0);
    }
    works_ = !error && write(folder_, "cgroup.procs", std::to_string(getpid()));
  }
  ~MemoryGroup() {
    if (works_)
      write(outer_, "cgroup.procs", std::to_string(getpid()));
    rmdir(folder_.c_str());
  }
  bool works() const { return works_; }

private:
  static bool write(const std::filesystem::path& folder, const char* name,
                    const std::string& text) {
    std::ofstream file(folder / name);
    file << text << std::flush;
    return file.good();
  }
  void set(const char* name, std::int64_t value) {
    write(folder_, name, std::to_string(value)); // the last two are not everywhere
  }
  std::filesystem::path outer_, folder_;
  bool works_ = false;
};

// This process eats what is left; the kernel is to choose the worker.
TEST_F(Beside, TheKernelsKillIsOutOfMemory) {
  PEAKBENCH_NOT_UNDER_SANITIZERS("a worker is larger than the group");
  runner_.reset();
  constexpr std::size_t kLimit = std::size_t{450} << 20, kBite = std::size_t{2} << 20;
  const MemoryGroup group(kLimit);
  if (!group.works())
    GTEST_SKIP() << "needs to make a control group for memory (root, cgroups)";
  runner_ = runner_beside(plan_, config_, {3, "here", c10::kCPU, 1, 6});
  EXPECT_EQ(run(0).status, "ok");
  const pid_t process = worker();
  stop(process);
  void* const room = mmap(nullptr, kLimit, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(room, MAP_FAILED);
  std::size_t eaten = 0;
  const results::EpCase record = run(1, [&] {
    for (; is_alive(process) && eaten < kLimit; eaten += kBite)
      std::memset(static_cast<char*>(room) + eaten, 1, kBite);
    return false;
  });
  munmap(room, kLimit);
  EXPECT_EQ(record.status, "out_of_memory") << record.reason;
  EXPECT_THAT(record.reason, HasSubstr("out-of-memory killer"));
  EXPECT_EQ(run(2).status, "ok");
  EXPECT_EQ(run_with(1, {SIGKILL}).status, "failed") << "somebody else's kill is not taken for it";
  runner_.reset();
}

} // namespace
} // namespace peakbench::suite
