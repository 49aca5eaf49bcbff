// Cases in a process beside their rank, from outside: kills, signals, equal results.
#include <gmock/gmock.h>

#include <csignal>
#include <thread>

#include "contents.h"
#include "launcher.h"
#include "results/store.h"
#include "support/processes.h"
#include "support/support.h"

namespace peakbench::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kCases = R"(
name: w
repeats: {warm_up: 0, min: 2, max: 2}
device: cpu
cluster: {threads: 1}
ep: {arms: [backprop, ep_autograd, ep_fused], depths: [2, 3, 4], width: 16, batch: 4, steps: 4}
)";
// Cases that take a second or so.
const std::vector<std::string> kLong{
    "--set", "repeats={warm_up: 0, min: 1000, max: 1000, time_limit_seconds: 100}"};
// A case that takes as long as it is let.
const std::vector<std::string> kEndless{
    "--set", "repeats={warm_up: 0, min: 1000000, max: 1000000, time_limit_seconds: 1000}"};

class Worker : public ::testing::Test {
protected:
  Worker() { write_file(scratch_ / "c.yaml", kCases); }
  std::string file(const std::string& name) const { return (scratch_ / name).string(); }
  std::vector<std::string> run(const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"run", file("c.yaml"), "--out", file(out)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  ScratchFolder scratch_;
};

TEST_F(Worker, ResultsAreThoseOfTheRankItself) {
  ASSERT_EQ(run_program(2, run("beside.h5", {"--set", "cluster.isolate=process"})).status, 0);
  ASSERT_EQ(run_program(2, run("within.h5", {"--set", "cluster.isolate=none"})).status, 0);
  const auto beside = results::load(file("beside.h5")), within = results::load(file("within.h5"));
  ASSERT_EQ(beside.ep.size(), 9u);
  EXPECT_EQ(contents(beside.ep), contents(within.ep));
  EXPECT_EQ(beside.ranks.at(0).isolate, "process");
  EXPECT_EQ(within.ranks.at(0).isolate, "none");
}

TEST_F(Worker, AKillFailsOneCaseAndARetryRepeatsJustThatOne) {
  Background background(2, run("k.h5", kLong));
  ASSERT_TRUE(background.has_shown_of(1, 1)) << background.output(0);
  // It is either at its next case or gets it while it stands still, long before rank 0 has done
  // all of its own.
  ASSERT_TRUE(background.hold(1));
  ASSERT_TRUE(background.has_shown_of(0, 4)) << background.output(0);
  ASSERT_TRUE(send(background.worker_of(1), SIGKILL)) << background.output(0);
  const Ended ended = background.wait();
  EXPECT_EQ(ended.status, 1) << ended.output;
  const results::RunData data = results::load(file("k.h5"));
  ASSERT_EQ(data.ep.size(), 9u);
  std::string failed;
  std::map<std::string, double> seconds;
  for (const auto& record : data.ep) {
    seconds[record.case_id] = record.step_seconds;
    if (record.status == "ok")
      continue;
    EXPECT_EQ(failed, "") << "one case alone";
    failed = record.case_id;
    EXPECT_EQ(record.status, "failed");
    EXPECT_THAT(record.reason, HasSubstr("signal 9 (Killed)"));
  }
  ASSERT_NE(failed, "");
  std::int64_t restarts = 0;
  for (const auto& row : data.ranks)
    restarts += row.restarts;
  EXPECT_EQ(restarts, 1);

  const Ended kept = run_program(2, run("k.h5", kLong));
  EXPECT_THAT(kept.output, HasSubstr("0 of 9 cases to do"));
  std::vector<std::string> with_retry = kLong;
  with_retry.push_back("--retry-failed");
  const Ended retried = run_program(2, run("k.h5", with_retry));
  EXPECT_EQ(retried.status, 0) << retried.output;
  EXPECT_THAT(retried.output, HasSubstr("1 of 9 cases to do"));
  for (const auto& record : results::load(file("k.h5")).ep) {
    EXPECT_EQ(record.status, "ok");
    if (record.case_id != failed) {
      EXPECT_EQ(record.step_seconds, seconds.at(record.case_id)) << "not done again";
    }
  }
}

TEST_F(Worker, ControlCLetsTheCaseComeToItsEnd) {
  Background background(0, run("i.h5", kLong));
  ASSERT_TRUE(background.has_shown(1)) << background.output(0);
  // Between cases it has next to nothing to compute: it has begun another one.
  const int worker = background.worker_of(0);
  const double before = processor_seconds(worker);
  ASSERT_TRUE(within(60, [&] { return processor_seconds(worker) > before + 0.1; }));
  kill(-background.pid(), SIGINT); // the whole group, as a terminal does
  const Ended ended = background.wait();
  EXPECT_EQ(ended.status, 3) << ended.output;
  const auto records = results::load(file("i.h5")).ep;
  EXPECT_GE(records.size(), 2u) << "the one before, and the one that ran";
  EXPECT_LT(records.size(), 9u);
  for (const auto& record : records)
    EXPECT_EQ(record.status, "ok") << record.reason;
}

TEST_F(Worker, ASecondSignalDropsTheCase) {
  Background background(0, run("d.h5", kEndless));
  ASSERT_TRUE(within(60, [&] { return background.workers().size() == 1; }));
  const int worker = background.workers().at(0);
  // Its start takes less: it is at a case.
  ASSERT_TRUE(within(60, [&] { return processor_seconds(worker) > 2; }));
  background.signal(SIGTERM);
  ASSERT_TRUE(within(60, [&] { return !is_pending(background.pid(), SIGTERM); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(3100)); // what comes sooner is one signal
  EXPECT_TRUE(is_alive(worker));
  background.signal(SIGTERM);
  const Ended ended = background.wait();
  EXPECT_EQ(ended.status, 3) << ended.output;
  EXPECT_TRUE(within(60, [&] { return !is_alive(worker); }));
  EXPECT_TRUE(results::load(file("d.h5")).ep.empty()) << "a dropped case leaves no record";
}

TEST_F(Worker, NoneOutlivesItsRank) {
  for (const int ranks : {0, 2}) {
    Background background(ranks, run("o" + std::to_string(ranks) + ".h5", kEndless));
    const std::size_t count = ranks == 0 ? 1 : 2;
    ASSERT_TRUE(within(60, [&] { return background.workers().size() == count; }));
    const std::vector<int> workers = background.workers();
    ASSERT_TRUE(within(60, [&] { return send(background.ranks().back(), SIGKILL); }));
    const Ended ended = background.wait(); // nobody holds its output open any more
    EXPECT_NE(ended.status, 0);
    EXPECT_NE(ended.status, 124) << ended.output;
    for (const int worker : workers)
      EXPECT_TRUE(within(60, [&] { return !is_alive(worker); }));
  }
}

} // namespace
} // namespace peakbench::testing
