// A rank that hangs: the others' cases are all there, its own is named, and nothing waits for ever.
#include <gmock/gmock.h>

#include <cmath>
#include <csignal>
#include <set>

#include "launcher.h"
#include "results/store.h"
#include "support/processes.h"
#include "support/support.h"

namespace peakbench::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kCases = R"(
name: slow
repeats: {warm_up: 0, min: 150, max: 150, time_limit_seconds: 100}
device: cpu
cluster: {threads: 1, lost_after_seconds: 2}
ep: {arms: [ep_autograd], depths: [8, 9, 10], width: 16, batch: 4, steps: 8, rate: [0.1, 0.12, 0.14, 0.15]}
)";
constexpr std::size_t kAll = 12;
// For the launches after it, which a busy machine must not rob of a rank.
const std::vector<std::string> kPatient{"--set", "cluster.lost_after_seconds=120"};

std::vector<std::string> with(std::vector<std::string> arguments,
                              const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

// A row for every rank of the launch: what it did, or, of one that was lost, what came of it.
void expect_rows_of_all(const results::RunData& data, std::int64_t lost) {
  ASSERT_EQ(data.ranks.size(), 3u);
  for (std::size_t rank = 0; rank < 3; ++rank) {
    const results::RankRow& row = data.ranks[rank];
    EXPECT_EQ(row.rank, static_cast<std::int64_t>(rank));
    EXPECT_EQ(row.ranks, 3);
    EXPECT_EQ(row.launch, 0);
    std::int64_t cases = 0;
    for (const auto& record : data.ep) {
      cases += record.rank == row.rank && record.status == "ok";
      EXPECT_TRUE(record.rank != row.rank || record.environment == row.environment);
    }
    EXPECT_EQ(row.cases, cases);
    if (row.rank == lost) {
      EXPECT_EQ(row.ended, "lost");
      EXPECT_TRUE(std::isnan(row.seconds) && std::isnan(row.busy_seconds) &&
                  std::isnan(row.idle_seconds))
          << "it told nobody";
      EXPECT_EQ(row.restarts, results::kAbsent);
      continue;
    }
    EXPECT_EQ(row.ended, "done");
    EXPECT_EQ(row.restarts, 0);
    EXPECT_GT(row.busy_seconds, 0);
    EXPECT_NEAR(row.seconds, row.busy_seconds + row.idle_seconds, 1e-9);
    EXPECT_EQ(row.gathered_bytes > 0, rank != 0) << "rank 0 sends to nobody";
  }
}

class LostRank : public ::testing::TestWithParam<const char*> {};

TEST_P(LostRank, ARankThatStandsStillIsGoneOnWithout) {
  const ScratchFolder scratch;
  write_file(scratch / "c.yaml", kCases);
  const std::string file = (scratch / "r.h5").string();
  const std::vector<std::string> arguments{"run",   (scratch / "c.yaml").string(),
                                           "--out", file,
                                           "--set", std::string("cluster.share=") + GetParam()};
  Background run(3, arguments);
  ASSERT_TRUE(run.has_shown_of(2, 1)) << run.output(0);
  const std::vector<int> workers = run.workers();
  ASSERT_TRUE(send(run.ranks().at(2), SIGSTOP)) << run.output(0);
  const Ended ended = run.wait();
  EXPECT_EQ(ended.status, 1) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("rank 2 on"));
  EXPECT_THAT(ended.output, HasSubstr("has given no sign of life for 2 s"));
  EXPECT_THAT(ended.output, HasSubstr("ranks were lost"));
  for (const int worker : workers)
    EXPECT_TRUE(within(60, [&] { return !is_alive(worker); }));

  std::size_t failed = 0;
  std::set<std::int64_t> ranks;
  const results::RunData data = results::load(file);
  for (const auto& record : data.ep) {
    ranks.insert(record.rank);
    if (record.status == "ok")
      continue;
    ++failed;
    EXPECT_EQ(record.status, "failed");
    EXPECT_EQ(record.rank, 2);
    EXPECT_THAT(record.reason, AllOf(HasSubstr("rank 2 on "), HasSubstr("no sign of life")));
  }
  EXPECT_LE(failed, 1u);
  EXPECT_TRUE(ranks.contains(2)) << "what it had finished is kept";
  expect_rows_of_all(data, 2);
  EXPECT_THAT(ended.output, HasSubstr("A lost rank gave no sign of life"));
  const bool dynamic = GetParam() == std::string("dynamic");
  if (dynamic) { // what it had not begun others have done
    EXPECT_EQ(data.ep.size(), kAll);
  } else {
    EXPECT_EQ(ranks.size(), 3u);
    EXPECT_LT(data.ep.size(), kAll);
    EXPECT_GE(data.ep.size(), kAll * 2 / 3);
  }
  const Ended resumed = run_program(3, with(arguments, kPatient));
  // A rank that is woken to be ended may still have kept its case in its spool.
  std::size_t still_failed = 0;
  for (const auto& record : results::load(file).ep)
    still_failed += record.status != "ok";
  EXPECT_LE(still_failed, failed);
  EXPECT_EQ(resumed.status, still_failed > 0 ? 1 : 0) << resumed.output;
  for (const auto& row : results::load(file).ranks)
    EXPECT_EQ(row.ended, row.launch == 0 && row.rank == 2 ? "lost" : "done");
  const Ended retried = run_program(2, with(with(arguments, kPatient), {"--retry-failed"}));
  EXPECT_EQ(retried.status, 0) << retried.output;
  EXPECT_THAT(retried.output, HasSubstr(std::to_string(still_failed) + " of 12 cases to do"));
  EXPECT_EQ(results::load(file).ep.size(), kAll);
}

TEST(Lost, OneThatWakesAgainDoesNotEndTheRunOfTheOthers) {
  const ScratchFolder scratch;
  write_file(scratch / "c.yaml", kCases);
  Background run(3, {"run", (scratch / "c.yaml").string(), "--out", (scratch / "w.h5").string(),
                     "--set", "cluster.share=static", "--set", "cluster.lost_after_seconds=1"});
  ASSERT_TRUE(run.hold(1)) << run.output(0); // the others are not through before all is done here
  ASSERT_TRUE(run.has_shown_of(2, 1)) << run.output(0);
  const int sleeper = run.ranks().at(2);
  ASSERT_TRUE(send(sleeper, SIGSTOP)) << run.output(0);
  ASSERT_TRUE(within(60, [&] { return run.output(20).find("rank 2 on") != std::string::npos; }));
  ASSERT_TRUE(send(sleeper, SIGCONT)) << run.output(0);
  // Longer than a rank waits for rank 0, which is five times as long as rank 0 waits for it.
  within(8, [&] { return run.output(20).find("MPI_ABORT") != std::string::npos; });
  run.let_go(1);
  const Ended ended = run.wait();
  EXPECT_EQ(ended.status, 1) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("ranks were lost"));
  EXPECT_THAT(ended.output, Not(HasSubstr("rank 0 has given no sign of life")));
}

TEST(Lost, WithoutRankZeroTheOthersDoNotWaitForEver) {
  const ScratchFolder scratch;
  write_file(scratch / "c.yaml", kCases);
  const std::string file = (scratch / "z.h5").string();
  const std::vector<std::string> arguments{"run",   (scratch / "c.yaml").string(), "--out", file,
                                           "--set", "cluster.lost_after_seconds=1"};
  Background run(2, arguments);
  ASSERT_TRUE(run.has_shown_of(1, 1)) << run.output(0);
  ASSERT_TRUE(send(run.ranks().at(0), SIGSTOP)) << run.output(0);
  const Ended ended = run.wait();
  EXPECT_NE(ended.status, 0);
  EXPECT_NE(ended.status, 124) << "it hung";
  EXPECT_THAT(ended.output, HasSubstr("rank 0 has given no sign of life"));
  const std::size_t before = results::load(file).ep.size();
  EXPECT_GE(before, 1u);
  const Ended again = run_program(2, with(arguments, kPatient));
  EXPECT_EQ(again.status, 0) << again.output;
  std::set<std::string> ids;
  for (const auto& record : results::load(file).ep)
    ids.insert(record.case_id);
  EXPECT_EQ(ids.size(), kAll);
  EXPECT_EQ(results::load(file).ep.size(), kAll);
}

INSTANTIATE_TEST_SUITE_P(Share, LostRank, ::testing::Values("static", "dynamic"),
                         [](const auto& one) { return std::string(one.param); });

} // namespace
} // namespace peakbench::testing
