// Scaling cases of the whole program, on several ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <map>

#include "launcher.h"
#include "results/store.h"
#include "support/support.h"

namespace peakbench::testing {
namespace {

namespace fs = std::filesystem;
using results::ScalingCase;
using ::testing::HasSubstr;

constexpr const char* kScaling = R"(
name: tiny
repeats: {warm_up: 0, min: 2, max: 2, interval: 0.01, time_limit_seconds: 1}
device: cpu
cluster: {threads: 1}
scaling: {mode: [strong, weak], share: dynamic, ranks: [1, 3]}
ep: {arms: [backprop, ep_fused], depths: [2, 3, 4], width: 16, batch: 4, steps: 4}
)";

class Scaling : public ::testing::Test {
protected:
  std::string file(const std::string& name) const { return (scratch_ / name).string(); }
  std::vector<std::string> arguments(const std::string& out,
                                     const std::vector<std::string>& settings = {}) const {
    write_file(scratch_ / "c.yaml", kScaling);
    std::vector<std::string> words{"run", file("c.yaml"), "--out", file(out)};
    for (const std::string& one : settings)
      words.insert(words.end(), {"--set", one});
    return words;
  }
  ScratchFolder scratch_;
};

TEST_F(Scaling, EveryCaseComesOnceWhateverTheRanks) {
  // Where one rank works, the two others wait.
  const Ended ended = run_program(3, arguments("s.h5"));
  ASSERT_EQ(ended.status, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("Scaling: strong"));
  EXPECT_THAT(ended.output, HasSubstr("Scaling: weak"));
  const results::RunData run = results::load(file("s.h5"));
  EXPECT_EQ(run.scaling.size(), 4u);
  EXPECT_EQ(run.scaling_repeats.size(), 8u);
  EXPECT_TRUE(run.ep.empty()) << "the work is not recorded";
  for (const ScalingCase& record : run.scaling) {
    const std::string what = record.mode + " " + record.share + " " + std::to_string(record.ranks);
    EXPECT_EQ(record.status, "ok") << what << record.reason;
    EXPECT_EQ(record.validity, "VALID") << what;
    EXPECT_EQ(record.cases, record.mode == "weak" ? 6 * record.ranks : 6) << what;
    EXPECT_EQ(record.repeats, 2);
    EXPECT_EQ(record.isolate, "process");
    EXPECT_GT(record.seconds, 0);
    EXPECT_LE(record.seconds_lower, record.seconds);
    EXPECT_DOUBLE_EQ(record.cases_per_second, static_cast<double>(record.cases) / record.seconds);
    EXPECT_GT(record.busy_seconds, 0);
    EXPECT_GE(record.idle_seconds, 0);
    // A rank is busy or idle for at most as long as the slowest one; the pass told of is the
    // shorter one of two.
    EXPECT_LE(record.busy_seconds + record.idle_seconds,
              1.000001 * static_cast<double>(record.ranks) * record.seconds_lower)
        << what;
  }
}

TEST_F(Scaling, TooFewRanksAreSkippedWithTheReason) {
  const Ended ended =
      run_program(2, arguments("s.h5", {"scaling={mode: strong, share: dynamic, ranks: [2, 3]}"}));
  EXPECT_EQ(ended.status, 1) << ended.output;
  std::map<std::int64_t, ScalingCase> by_ranks;
  for (const ScalingCase& record : results::load(file("s.h5")).scaling)
    by_ranks[record.ranks] = record;
  EXPECT_EQ(by_ranks.at(2).status, "ok");
  EXPECT_EQ(by_ranks.at(3).status, "skipped");
  EXPECT_EQ(by_ranks.at(3).reason, "it needs 3 ranks, the run has 2");
}

TEST_F(Scaling, CasesThatFailMakeItInvalid) {
  // Negative control of VALID.
  const Ended ended = run_program(2, arguments("s.h5", {"scaling={mode: strong, ranks: 2}",
                                                        "ep.nudge=symmetric", "ep.arms=ep_sweep"}));
  EXPECT_EQ(ended.status, 1) << ended.output;
  const auto records = results::load(file("s.h5")).scaling;
  ASSERT_EQ(records.size(), 1u);
  EXPECT_THAT(records[0].validity, HasSubstr("INVALID: case")) << ended.output;
}

TEST_F(Scaling, WhatCannotRunIsARecordAndNobodyHangs) {
  const Ended ended = run_program(
      2, arguments("s.h5", {"scaling={mode: strong, ranks: 2}", "case_time_limit_seconds=1e-9"}));
  EXPECT_EQ(ended.status, 1) << ended.output;
  const auto records = results::load(file("s.h5")).scaling;
  ASSERT_EQ(records.size(), 1u);
  for (const ScalingCase& record : records)
    EXPECT_EQ(record.status, "timed_out") << record.reason;
}

TEST_F(Scaling, AnInterruptedCaseLeavesNoRecordAndIsDoneByTheNextRun) {
  const std::vector<std::string> settings{"scaling={mode: strong, ranks: [1, 2]}",
                                          "repeats={warm_up: 0, min: 12, max: 12}"};
  std::vector<std::string> slow = settings;
  slow.push_back("cluster.grace_seconds=0"); // or it might come to its end
  Background background(2, arguments("i.h5", slow));
  ASSERT_TRUE(background.has_shown(1)) << background.output(0);
  background.signal(SIGUSR1); // SIGTERM would have mpirun end the ranks
  const Ended ended = background.wait();
  ASSERT_EQ(ended.status, 3) << ended.output;
  const auto kept = results::load(file("i.h5")).scaling;
  ASSERT_EQ(kept.size(), 1u) << "the second one was interrupted";
  for (const ScalingCase& record : kept)
    EXPECT_EQ(record.repeats, 12);
  const Ended again = run_program(2, arguments("i.h5", settings));
  EXPECT_EQ(again.status, 0) << again.output;
  EXPECT_EQ(results::load(file("i.h5")).scaling.size(), 2u);
}

TEST_F(Scaling, RanksThemselvesCanDoTheCases) {
  const Ended ended = run_program(2, arguments("n.h5", {"cluster.isolate=none", "scaling.ranks=2",
                                                        "scaling.share=[static, dynamic]"}));
  ASSERT_EQ(ended.status, 0) << ended.output;
  const auto records = results::load(file("n.h5")).scaling;
  EXPECT_EQ(records.size(), 4u);
  for (const ScalingCase& record : records) {
    EXPECT_EQ(record.validity, "VALID");
    EXPECT_EQ(record.isolate, "none");
  }
}

} // namespace
} // namespace peakbench::testing
