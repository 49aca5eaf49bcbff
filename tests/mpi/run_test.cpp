// The whole program on 1, 2 and 4 ranks: equal results, nothing lost, resume.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <map>

#include "contents.h"
#include "ep/settings.h"
#include "launcher.h"
#include "results/fields.h"
#include "results/spool.h"
#include "results/store.h"
#include "support/processes.h"
#include "support/support.h"

namespace peakbench::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kEp = R"(
name: tiny
repeats: {warm_up: 0, min: 1, max: 2, interval: 0.5, time_limit_seconds: 0.1}
device: cpu
cluster: {threads: 1}
ep:
  arms: [backprop, truncated_backprop, ep_autograd, ep_analytic, ep_fused]
  depths: [2, 3, 4, 5, 6]
  width: 16
  batch: 4
  steps: 4
)";

std::string eab_part(const fs::path& shared) {
  return "eab:\n  model: " + (shared / "data/models/stories260k/stories260K.bin").string() + R"(
  dtype: float32
  prompt_format: raw
  prompts: {text: ["Once upon a time", "The dog was", "Lily went to the"]}
  max_new_tokens: 12
  max_paths: 6
  threshold: 0.15
)";
}

std::string texts_of(const std::string& file, const std::vector<results::EabCase>& records) {
  std::map<std::string, std::string> all;
  for (const auto& record : records) {
    const results::EabTrace trace = results::load_eab_trace(file, record.case_id);
    for (const auto& node : trace.nodes)
      all[record.case_id] += std::to_string(node.parent) + ":" + std::to_string(node.token) + " ";
    for (const auto& sample : trace.samples)
      all[record.case_id] += sample.text + "\n";
  }
  std::string joined;
  for (const auto& [id, text] : all)
    joined += id + "\n" + text;
  return joined;
}

class Run : public ::testing::Test {
protected:
  std::string file(const std::string& name) const { return (scratch_ / name).string(); }
  void configure(const std::string& yaml) const { write_file(scratch_ / "c.yaml", yaml); }
  Ended run(int ranks, const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"run", file("c.yaml"), "--out", file(out)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(ranks, arguments);
  }
  ScratchFolder scratch_;
};

TEST_F(Run, RanksDoNotChangeResults) {
  std::string yaml = kEp;
  const auto shared = shared_folder();
  if (shared)
    yaml += eab_part(*shared);
  configure(yaml);
  ASSERT_EQ(run(0, "0.h5").status, 0);
  const results::RunData alone = results::load(file("0.h5"));
  EXPECT_EQ(alone.ep.size(), 25u);
  EXPECT_EQ(alone.eab.size(), shared ? 21u : 0u);
  for (const int ranks : {1, 2, 4}) {
    const std::string name = std::to_string(ranks) + ".h5";
    // Handed out as they ask, a rank that starts late may find nothing left.
    const bool dealt_out = ranks != 2;
    const std::string share = dealt_out ? "static" : "dynamic";
    const Ended ended = run(ranks, name, {"--set", "cluster.share=" + share});
    ASSERT_EQ(ended.status, 0) << ended.output;
    const results::RunData data = results::load(file(name));
    EXPECT_EQ(contents(data.ep), contents(alone.ep)) << ranks << " ranks";
    EXPECT_EQ(contents(data.eab), contents(alone.eab)) << ranks << " ranks";
    EXPECT_EQ(texts_of(file(name), data.eab), texts_of(file("0.h5"), alone.eab))
        << ranks << " ranks";
    EXPECT_EQ(data.environment.size(), static_cast<std::size_t>(ranks));
    std::map<std::int64_t, int> cases_of_rank;
    for (const auto& record : data.ep)
      ++cases_of_rank[record.rank];
    for (const auto& record : data.eab)
      ++cases_of_rank[record.rank];
    if (dealt_out) {
      EXPECT_EQ(cases_of_rank.size(), static_cast<std::size_t>(ranks)) << "every rank has work";
    }
  }
  if (!shared)
    GTEST_SKIP() << "EP only: EAB needs the shared data folder (PEAKBENCH_SHARED)";
}

TEST_F(Run, TheSeedDoesChangeResults) {
  // Negative control of the comparison above.
  configure(kEp);
  ASSERT_EQ(run(0, "a.h5", {"--set", "ep.depths=4"}).status, 0);
  ASSERT_EQ(run(0, "b.h5", {"--set", "ep.depths=4", "--set", "seed=7"}).status, 0);
  const auto a = results::load(file("a.h5")).ep, b = results::load(file("b.h5")).ep;
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_NE(a[i].training_loss, b[i].training_loss);
}

TEST_F(Run, EveryRecordIsMeasuredAndValid) {
  configure(kEp);
  std::string arms;
  for (const std::string_view arm : ep::kArmNames)
    arms += (arms.empty() ? "" : ", ") + std::string(arm);
  ASSERT_EQ(run(2, "r.h5", {"--set", "ep.arms=[" + arms + "]", "--set", "ep.depths=[2, 6]"}).status,
            0);
  const auto records = results::load(file("r.h5")).ep;
  ASSERT_EQ(records.size(), 2 * std::size(ep::kArmNames));
  for (const auto& record : records) {
    EXPECT_EQ(record.status, "ok");
    EXPECT_EQ(record.validity, "VALID") << record.arm << " " << record.depth;
    EXPECT_GT(record.step_seconds, 0);
    EXPECT_GT(record.peak_bytes, record.weights_bytes);
    EXPECT_EQ(record.peak_beyond_weights_bytes, record.peak_bytes - record.weights_bytes);
    EXPECT_EQ(record.peak.weights + record.peak.gradients + record.peak.optimizer +
                  record.peak.activations + record.peak.states + record.peak.kv_cache +
                  record.peak.logits + record.peak.workspace,
              record.peak_bytes)
        << record.arm << " " << record.depth;
    EXPECT_GT(record.reach, 0);
    EXPECT_GE(record.resolved_layers, 1);
    EXPECT_GT(record.cosine_to_backprop, 0.3) << record.arm << " " << record.depth;
    EXPECT_EQ(record.settled_steps >= 0, record.arm.starts_with("ep_"));
    EXPECT_EQ(record.memory_repeats, 1);
  }
}

// The sum of the tags is the peak, and the reference arm agrees with all others, on a real model.
TEST_F(Run, EabRecordsAreMeasuredAndValid) {
  PEAKBENCH_NEEDS_SHARED(shared);
  configure(std::string("name: e\nrepeats: {warm_up: 0, min: 2, max: 2}\ndevice: cpu\n") +
            eab_part(shared));
  const Ended ended = run(2, "e.h5");
  ASSERT_EQ(ended.status, 0) << ended.output;
  std::map<std::string, std::int64_t> samples;
  for (const auto& record : results::load(file("e.h5")).eab) {
    EXPECT_EQ(record.status, "ok");
    EXPECT_EQ(record.validity, "VALID");
    EXPECT_EQ(record.repeats, 2);
    EXPECT_GT(record.peak_bytes, 0);
    EXPECT_EQ(record.peak.weights + record.peak.gradients + record.peak.optimizer +
                  record.peak.activations + record.peak.states + record.peak.kv_cache +
                  record.peak.logits + record.peak.workspace,
              record.peak_bytes);
    const bool branches = record.arm == "original" || record.arm == "cow";
    EXPECT_EQ(record.tree_matches_reference, branches ? 1 : results::kAbsent)
        << record.arm << record.decode;
    EXPECT_EQ(samples.emplace(record.prompt_id, record.samples).first->second, record.samples)
        << "every arm draws as many samples as the others: " << record.arm;
  }
}

// Cases that take a tenth of a second or more: a signal comes in the middle of the plan.
const std::vector<std::string> kLong{
    "--set", "repeats={warm_up: 0, min: 500, max: 500, time_limit_seconds: 100}"};

TEST_F(Run, AKilledLauncherLosesNothingThatWasDone) {
  configure(kEp);
  std::vector<std::string> arguments{"run", file("c.yaml"), "--out", file("k.h5")};
  arguments.insert(arguments.end(), kLong.begin(), kLong.end());
  arguments.insert(arguments.end(), {"--set", "cluster.share=static"});
  Background background(2, arguments);
  // So that the kill comes in the middle however late it comes.
  ASSERT_TRUE(background.hold(1)) << background.output(0);
  ASSERT_TRUE(background.has_shown(3)) << background.output(0);
  const std::vector<int> ranks = background.ranks();
  background.signal(SIGKILL);
  const Ended ended = background.wait();
  // Ranks outlive their launcher by a moment, and write what they have finished.
  for (const int rank : ranks)
    ASSERT_TRUE(within(60, [&] { return !is_alive(rank); })) << "a rank outlives its mpirun";
  const results::RunData killed = results::load(file("k.h5"));
  ASSERT_GE(killed.ep.size(), 3u) << ended.output;
  ASSERT_LT(killed.ep.size(), 25u);
  // Finished, and not written by rank 0 any more: every rank's spool may hold one.
  std::map<std::string, double> done;
  for (const auto& message :
       results::read_spool(file("k.h5"), killed.info.plan_hash + " " + killed.info.created)
           .messages) {
    const auto record = std::get<results::EpRow>(results::from_message(message)).record;
    done[record.case_id] = record.step_seconds;
  }
  for (const auto& record : killed.ep)
    done[record.case_id] = record.step_seconds;

  const Ended again = run_program(2, arguments);
  ASSERT_EQ(again.status, 0) << again.output;
  EXPECT_THAT(again.output, HasSubstr(std::to_string(25 - done.size()) + " of 25 cases to do"));
  const results::RunData whole = results::load(file("k.h5"));
  EXPECT_EQ(whole.ep.size(), 25u);
  std::map<std::string, double> seconds;
  for (const auto& record : whole.ep)
    seconds[record.case_id] = record.step_seconds;
  EXPECT_EQ(seconds.size(), 25u) << "no case twice";
  for (const auto& [id, before] : done)
    EXPECT_EQ(seconds.at(id), before) << "what was done was not done again";
}

TEST_F(Run, AnInterruptFinishesTheCaseAndSaysSo) {
  configure(kEp);
  std::vector<std::string> arguments{"run", file("c.yaml"), "--out", file("i.h5")};
  arguments.insert(arguments.end(), kLong.begin(), kLong.end());
  Background background(0, arguments);
  ASSERT_TRUE(background.has_shown(1)) << background.output(0);
  background.signal(SIGTERM);
  const Ended ended = background.wait();
  EXPECT_EQ(ended.status, 3) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("interrupted"));
  const results::RunData data = results::load(file("i.h5"));
  EXPECT_LT(data.ep.size(), 25u);
  EXPECT_GE(data.ep.size(), 1u);
  ASSERT_EQ(data.ranks.size(), 1u);
  EXPECT_EQ(data.ranks[0].ended, "interrupted");
  EXPECT_EQ(data.ranks[0].cases, static_cast<std::int64_t>(data.ep.size()));
}

TEST_F(Run, CasesThatFailedAreRepeatedOnlyWhenAsked) {
  configure(kEp);
  const std::vector<std::string> hopeless{"--set", "case_time_limit_seconds=1e-9", "--set",
                                          "ep.depths=[3, 4]"};
  EXPECT_EQ(run(1, "f.h5", hopeless).status, 1) << "cases that are not ok";
  for (const auto& record : results::load(file("f.h5")).ep) {
    EXPECT_EQ(record.status, "timed_out");
    EXPECT_THAT(record.reason, HasSubstr("time limit"));
    EXPECT_EQ(record.peak_bytes, results::kAbsent) << "measured or absent";
  }
  const Ended kept = run(1, "f.h5", {"--set", "ep.depths=[3, 4]"});
  EXPECT_EQ(kept.status, 1);
  EXPECT_THAT(kept.output, HasSubstr("0 of 10 cases to do"));
  EXPECT_EQ(run(1, "f.h5", {"--set", "ep.depths=[3, 4]", "--retry-failed"}).status, 0);
  EXPECT_EQ(results::load(file("f.h5")).ep.size(), 10u);
}

TEST_F(Run, ADivergedCaseNamesStepAndLayerAndTheRunGoesOn) {
  configure(kEp);
  ASSERT_EQ(run(2, "d.h5",
                {"--set", "ep.rate=[0.15, 1e12]", "--set", "ep.depths=6", "--set", "ep.steps=30",
                 "--set", "ep.loss=mse"})
                .status,
            1);
  const auto records = results::load(file("d.h5")).ep;
  ASSERT_EQ(records.size(), 10u);
  for (const auto& record : records) {
    const bool diverges = record.rate > 1 && record.arm.starts_with("ep_");
    EXPECT_EQ(record.status, diverges ? "diverged" : "ok") << record.arm << " " << record.rate;
    if (diverges) {
      EXPECT_THAT(record.reason, AllOf(HasSubstr("at step "), HasSubstr(" in layer ")));
    }
  }
}

TEST_F(Run, OnlyDoesOneKindAndTheRestLater) {
  PEAKBENCH_NEEDS_SHARED(shared);
  configure(kEp + eab_part(shared));
  ASSERT_EQ(run(2, "o.h5", {"--only", "ep", "--set", "ep.depths=2"}).status, 0);
  EXPECT_EQ(results::load(file("o.h5")).eab.size(), 0u);
  ASSERT_EQ(run(2, "o.h5", {"--only", "eab", "--set", "ep.depths=2"}).status, 0);
  EXPECT_EQ(results::load(file("o.h5")).eab.size(), 21u);
  EXPECT_EQ(results::load(file("o.h5")).ep.size(), 5u);
}

TEST_F(Run, PartsInOneFileAreThePlanAndAnotherEnvironmentIsTold) {
  configure(kEp);
  const Ended first = run(1, "p.h5", {"--part", "1/3"});
  ASSERT_EQ(first.status, 0) << first.output;
  EXPECT_THAT(first.output, Not(HasSubstr("warning")));
  const std::size_t third = results::load(file("p.h5")).ep.size();
  EXPECT_GT(third, 4u);
  EXPECT_LT(third, 25u);
  const Ended second = run(1, "p.h5", {"--part", "2/3"});
  EXPECT_THAT(second.output, Not(HasSubstr("warning"))) << "the same machine, the same threads";
  const Ended last = run(1, "p.h5", {"--part", "3/3", "--set", "cluster.threads=2"});
  ASSERT_EQ(last.status, 0) << last.output;
  EXPECT_THAT(last.output, HasSubstr("warning: this is not the environment"));
  EXPECT_THAT(last.output, HasSubstr("threads 1 before, 2 now"));
  const results::RunData data = results::load(file("p.h5"));
  EXPECT_EQ(data.ep.size(), 25u);
  ASSERT_EQ(data.environment.size(), 2u);
  std::map<std::int64_t, std::size_t> cases_of;
  for (const auto& record : data.ep)
    ++cases_of[record.environment];
  EXPECT_EQ(cases_of[0] + cases_of[1], 25u);
  EXPECT_GT(cases_of[1], 4u) << "rows of the third launch say that they are of the second row";
  ASSERT_EQ(data.ranks.size(), 3u);
  EXPECT_EQ(data.ranks[2].launch, 2);
  EXPECT_EQ(data.ranks[2].part, "3/3");
  EXPECT_EQ(data.ranks[2].ended, "done");
  EXPECT_EQ(data.ranks[2].environment, 1);
  EXPECT_EQ(data.ranks[2].cases, static_cast<std::int64_t>(cases_of[1]));
  EXPECT_EQ(run(1, "p.h5", {"--part", "4/3"}).status, 2);
}

TEST_F(Run, ADryRunWritesNothing) {
  configure(kEp);
  const Ended ended = run(2, "d.h5", {"--dry-run"});
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("25 cases"));
  EXPECT_FALSE(fs::exists(file("d.h5")));
}

TEST_F(Run, ListShowsTheIdsThatAreRecorded) {
  configure(kEp);
  const Ended list = run_program(0, {"list", file("c.yaml"), "--set", "ep.depths=3"});
  EXPECT_EQ(list.status, 0);
  ASSERT_EQ(run(1, "l.h5", {"--set", "ep.depths=3"}).status, 0);
  for (const auto& record : results::load(file("l.h5")).ep)
    EXPECT_THAT(list.output, HasSubstr(record.case_id));
}

} // namespace
} // namespace peakbench::testing
