#include "suite/ep_training.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "ep/image_files.h"
#include "suite/ep_runner.h"
#include "support/support.h"

namespace peakbench::suite {
namespace {

using ep::testing::write_images;
using peakbench::testing::ScratchFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

class EpTrainingRun : public ::testing::Test {
protected:
  EpTrainingRun() { write_images(scratch_.path(), 64, 40, 28); }
  Config config(const std::vector<std::string>& overrides = {}) const {
    return parse_config("repeats: {warm_up: 0, min: 2, max: 2}\n"
                        "ep: {arms: ep_fused, depths: 3, width: 8, batch: 16, steps: 4, init: he, "
                        "optimizer: sgd, training: {dataset: " +
                            scratch_.path().string() +
                            ", steps: 5, evaluate_every: 2, test_rows: 40}}",
                        "c.yaml", overrides);
  }
  results::EpRow run(const std::vector<std::string>& overrides = {}) const {
    const Config chosen = config(overrides);
    return run_ep_case(make_plan(chosen).ep.at(0), chosen, c10::kCPU);
  }
  ScratchFolder scratch_;
};

std::vector<std::int64_t> steps_of(const results::EpRow& row) {
  std::vector<std::int64_t> steps;
  for (const results::EpTrainingRow& point : row.training)
    steps.push_back(point.step);
  return steps;
}

TEST_F(EpTrainingRun, LeavesItsCurveAndItsEndInTheRecord) {
  const results::EpRow row = run();
  EXPECT_EQ(row.record.status, "ok") << row.record.reason;
  EXPECT_THAT(steps_of(row), ElementsAre(0, 2, 4, 5));
  EXPECT_EQ(row.training[0].case_id, row.record.case_id);
  EXPECT_EQ(row.record.trained_loss, row.training[3].training_loss);
  EXPECT_EQ(row.record.test_loss, row.training[3].test_loss);
  EXPECT_EQ(row.record.test_accuracy, row.training[3].test_accuracy);
  EXPECT_NE(row.training[0].test_loss, row.training[3].test_loss) << "weights moved";
  // The same case again, and without a training run: the step that was timed is the same one.
  EXPECT_EQ(run().record.test_loss, row.record.test_loss);
  const results::EpRow without = run({"ep.training={dataset: " + scratch_.path().string() +
                                      ", steps: 1, evaluate_every: 1, test_rows: 1}"});
  EXPECT_EQ(without.record.peak_bytes, row.record.peak_bytes);
  EXPECT_EQ(without.record.training_loss, row.record.training_loss);
}

TEST_F(EpTrainingRun, DivergenceKeepsWhatWasMeasuredBefore) {
  // One step is still finite, so the timed ones, which all begin at the initial weights, are.
  const results::EpRow row = run({"ep.learning_rate=1e30"});
  EXPECT_EQ(row.record.status, "diverged");
  EXPECT_THAT(row.record.reason,
              AllOf(StartsWith("in the training run: "), HasSubstr("training step 2 of 5")));
  EXPECT_THAT(steps_of(row), ElementsAre(0));
  EXPECT_GT(row.record.step_seconds, 0);
  EXPECT_GT(row.record.peak_bytes, 0);
  EXPECT_EQ(row.record.reach, 3);
  EXPECT_EQ(row.repeats.size(), 2u);
  EXPECT_FALSE(row.trace.energy.empty());
  EXPECT_TRUE(std::isnan(row.record.test_accuracy)) << "no figure of a run that did not end";
  EXPECT_TRUE(std::isnan(row.record.trained_loss));
}

TEST_F(EpTrainingRun, ATimeLimitIsNoReasonToThrowAwayEither) {
  const Config chosen = config();
  const EpPlanned planned = make_plan(chosen).ep.at(0);
  results::EpRow row;
  row.record = planned.record;
  row.record.step_seconds = 1;
  train_ep_case(planned, chosen.ep->training, c10::kCPU, Deadline(0), row);
  EXPECT_EQ(row.record.status, "timed_out");
  EXPECT_THAT(row.record.reason, HasSubstr("in the training run: time limit"));
  EXPECT_EQ(row.record.step_seconds, 1);
}

TEST_F(EpTrainingRun, WhatIsWrongWithTheDataIsFoundByThePlan) {
  const auto expect = [&](const std::string& override, const std::string& what) {
    EXPECT_THAT([&] { make_plan(config({override})); }, ThrowsMessage<UserError>(HasSubstr(what)));
  };
  EXPECT_NO_THROW(make_plan(config()));
  expect("ep.training.dataset=/nowhere", "dataset /nowhere: no such folder");
  expect("ep.training.test_rows=41", "a test of 41 rows");
  expect("ep.batch=[16, 65]", "a batch of 65 rows");
  std::filesystem::remove(scratch_ / "train-labels-idx1-ubyte");
  expect("ep.batch=16", "train-labels-idx1-ubyte: no such file");
}

TEST_F(EpTrainingRun, CasesShareTheDataAndThePlanTellsWhichTheyAre) {
  const Plan plan = make_plan(config({"ep.depths=[3, 4]"}));
  ASSERT_EQ(plan.ep.size(), 2u);
  EXPECT_EQ(plan.ep[0].dataset, plan.ep[1].dataset);
  const std::string before = make_plan(config()).hash;
  EXPECT_EQ(make_plan(config()).hash, before);
  write_images(scratch_.path(), 63, 40, 28);
  EXPECT_NE(make_plan(config()).hash, before);
  EXPECT_FALSE(make_plan(parse_config("ep: {depths: 3}", "c.yaml", {})).ep.at(0).dataset);
}

TEST_F(EpTrainingRun, CostsWhatItsStepsCost) {
  const auto cost = [&](const char* steps) {
    return make_plan(config({std::string("ep.training.steps=") + steps})).cases.at(0).cost_seconds;
  };
  EXPECT_NEAR(cost("3000") - cost("2000"), cost("2000") - cost("1000"), 1e-9);
  EXPECT_GT(cost("2000"), 1.2 * cost("1000"));
}

TEST(EpLearningConfig, ComparesInitsAndDepthsWithBackpropagationAndItsControl) {
  const auto path = peakbench::testing::source_folder() / "configs" / "ep_learning.yaml";
  const EpConfig ep = *read_config(path.string(), {}).ep;
  EXPECT_THAT(ep.depths, ElementsAre(4, 10, 30, 100));
  EXPECT_THAT(ep.init, ElementsAre("torch", "orthogonal", "residual"));
  EXPECT_THAT(ep.arms, ::testing::IsSupersetOf({"backprop", "truncated_backprop", "ep_fused"}));
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "needs the package dataset-fashion-mnist (tools/bootstrap.sh)";
  const Plan plan = make_plan(read_config(path.string(), {}));
  EXPECT_EQ(plan.cases.size(), 3 * 4 * ep.arms.size());
  EXPECT_EQ(plan.ep.front().record.training_steps, ep.training.steps);
}

} // namespace
} // namespace peakbench::suite
