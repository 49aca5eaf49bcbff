#include "ep/training.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "ep/image_files.h"
#include "ep/loss.h"
#include "ep/problem.h"

namespace peakbench::ep {
namespace {

using peakbench::testing::ScratchFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::small_settings;
using ::testing::ThrowsMessage;
using testing::write_images;

class Training : public ::testing::Test {
protected:
  Training() {
    write_images(scratch_.path(), 240, 520);
    dataset_ = load_dataset(scratch_.path().string(), 4);
  }
  static Settings settings_of(Arm arm) {
    Settings settings = small_settings(3);
    settings.arm = arm;
    settings.batch = 8;
    settings.steps = 12;
    settings.optimizer = Optimizer::momentum;
    settings.learning_rate = 0.05;
    return settings;
  }
  std::vector<TrainingPoint> curve(const Settings& settings, const TrainingPlan& plan,
                                   const Deadline& deadline = {}) const {
    std::vector<TrainingPoint> points;
    train(settings, dataset_, plan, at::kCPU, deadline,
          [&](const TrainingPoint& point) { points.push_back(point); });
    return points;
  }
  static std::vector<std::int64_t> first_rows(std::int64_t count) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
  }
  // C / B of the initial weights on the first rows of a set, all at once.
  double initial_loss(Settings settings, const ImageSet& images, std::int64_t count) const {
    settings.batch = count;
    const Network network = draw_network(settings, at::kCPU);
    const Batch batch = batch_of(settings, dataset_, images, first_rows(count), at::kCPU);
    at::Tensor output = batch.input;
    for (std::int64_t i = 0; i < network.depth(); ++i)
      output = predict(network.layer(i), i == 0 ? output : activate(output));
    return mean_loss(settings, batch, output).item<double>();
  }
  ScratchFolder scratch_;
  Dataset dataset_;
};

TEST(RowsOfEpoch, ArePermutationsThatSeedAndEpochTell) {
  std::vector<std::int64_t> rows = rows_of_epoch(1, 0, 1000);
  EXPECT_EQ(rows, rows_of_epoch(1, 0, 1000));
  EXPECT_NE(rows, rows_of_epoch(2, 0, 1000));
  EXPECT_NE(rows, rows_of_epoch(1, 1, 1000));
  EXPECT_FALSE(std::ranges::is_sorted(rows));
  std::ranges::sort(rows);
  EXPECT_EQ(rows.front(), 0);
  EXPECT_EQ(rows.back(), 999);
  EXPECT_EQ(std::ranges::unique(rows).begin(), rows.end());
}

TEST_F(Training, PointsAreWhereThePlanSays) {
  const auto points = curve(settings_of(Arm::backprop), {12, 5, 20});
  std::vector<std::int64_t> steps;
  for (const TrainingPoint& point : points)
    steps.push_back(point.step);
  EXPECT_THAT(steps, ElementsAre(0, 5, 10, 12));
  EXPECT_TRUE(std::isnan(points[0].training_loss));
}

TEST_F(Training, TrainingLossIsTheMeanSinceThePointBefore) {
  const Settings settings = settings_of(Arm::backprop);
  const auto every = curve(settings, {6, 1, 20});
  const auto some = curve(settings, {6, 4, 20});
  ASSERT_EQ(some.size(), 3u);
  double sum = 0;
  for (std::size_t i = 1; i <= 4; ++i)
    sum += every[i].training_loss;
  EXPECT_DOUBLE_EQ(some[1].training_loss, sum / 4);
  EXPECT_DOUBLE_EQ(some[2].training_loss, (every[5].training_loss + every[6].training_loss) / 2);
  EXPECT_DOUBLE_EQ(some[2].test_loss, every[6].test_loss);
}

// Where nothing is learnt, an epoch's mean is the mean over the set: every row came once.
TEST_F(Training, AnEpochUsesEveryRowOnce) {
  Settings settings = settings_of(Arm::backprop);
  settings.optimizer = Optimizer::sgd;
  settings.learning_rate = 1e-300;
  const double whole = initial_loss(settings, dataset_.training, 240);
  const auto points = curve(settings, {60, 15, 20});
  EXPECT_GT(std::abs(points[1].training_loss - whole), 1e-6) << "half an epoch is not all of it";
  EXPECT_NEAR((points[1].training_loss + points[2].training_loss) / 2, whole, 1e-12);
  EXPECT_NEAR((points[3].training_loss + points[4].training_loss) / 2, whole, 1e-12);
  EXPECT_NE(points[1].training_loss, points[3].training_loss) << "in another order";
}

TEST_F(Training, TestIsOfTheFirstRowsInPieces) {
  const Settings settings = settings_of(Arm::backprop);
  for (const std::int64_t rows : {20, 520}) { // 520: two pieces
    const auto points = curve(settings, {1, 1, rows});
    EXPECT_NEAR(points[0].test_loss, initial_loss(settings, dataset_.test, rows), 1e-12);
  }
  // Accuracy by hand, from labels that the initial network gets right or wrong.
  const Network network = draw_network(settings, at::kCPU);
  const Batch batch = batch_of(settings, dataset_, dataset_.test, first_rows(520), at::kCPU);
  at::Tensor output = batch.input;
  for (std::int64_t i = 0; i < 3; ++i)
    output = predict(network.layer(i), i == 0 ? output : activate(output));
  double right = 0;
  for (std::int64_t row = 0; row < 520; ++row)
    right += output[row].argmax().item<std::int64_t>() == dataset_.test.labels[row];
  EXPECT_DOUBLE_EQ(curve(settings, {1, 1, 520})[0].test_accuracy, right / 520);
}

TEST_F(Training, EveryKindOfArmLearns) {
  for (const Arm arm : {Arm::backprop, Arm::truncated_backprop, Arm::ep_analytic, Arm::ep_batched,
                        Arm::ep_sweep, Arm::ep_sweep_checkpoint, Arm::ep_fused}) {
    const auto points = curve(settings_of(arm), {120, 60, 200});
    EXPECT_LT(points.front().test_accuracy, 0.6) << name_of(arm);
    EXPECT_GT(points.back().test_accuracy, 0.95) << name_of(arm);
    EXPECT_LT(points.back().training_loss, 0.7 * points[1].training_loss) << name_of(arm);
  }
}

TEST_F(Training, NothingIsLearntFromLabelsThatSayNothing) {
  for (std::size_t i = 0; i < dataset_.training.labels.size(); ++i)
    dataset_.training.labels[i] = static_cast<std::uint8_t>(i * 2654435761u >> 7 & 3);
  const auto points = curve(settings_of(Arm::backprop), {120, 60, 200});
  EXPECT_LT(points.back().test_accuracy, 0.6);
}

TEST_F(Training, ArmsSeeTheSameBatchesAndStartAtTheSameWeights) {
  const auto backprop = curve(settings_of(Arm::backprop), {3, 1, 40});
  const auto analytic = curve(settings_of(Arm::ep_analytic), {3, 1, 40});
  const auto fused = curve(settings_of(Arm::ep_fused), {3, 1, 40});
  EXPECT_DOUBLE_EQ(backprop[0].test_loss, analytic[0].test_loss);
  EXPECT_DOUBLE_EQ(backprop[1].training_loss, analytic[1].training_loss);
  EXPECT_NE(backprop[2].training_loss, analytic[2].training_loss) << "beta is not small";
  for (std::size_t i = 0; i < fused.size(); ++i) // the same gradients in another form
    EXPECT_NEAR(fused[i].test_loss, analytic[i].test_loss, 1e-9);
}

TEST_F(Training, DivergenceKeepsTheCurveAndNamesTheStep) {
  for (const Arm arm : {Arm::backprop, Arm::ep_analytic, Arm::ep_fused}) {
    Settings settings = settings_of(arm);
    settings.optimizer = Optimizer::sgd;
    settings.learning_rate = 1e200;
    std::vector<TrainingPoint> points;
    EXPECT_THAT(
        [&] {
          train(settings, dataset_, {50, 40, 20}, at::kCPU, {},
                [&](const TrainingPoint& point) { points.push_back(point); });
        },
        ThrowsMessage<Diverged>(HasSubstr("of 50)")))
        << name_of(arm);
    EXPECT_EQ(points.size(), 1u);
  }
  // Of settling: its step and layer, too.
  Settings settings = settings_of(Arm::ep_analytic);
  settings.rate = 1e80;
  EXPECT_THAT(
      [&] {
        curve(settings, {5, 5, 20});
      },
      ThrowsMessage<Diverged>(
          AllOf(HasSubstr("of the nudged phase in layer"), HasSubstr("(training step 1 of 5)"))));
}

TEST_F(Training, TheTimeLimitHolds) {
  EXPECT_THROW(curve(settings_of(Arm::backprop), {5, 5, 20}, Deadline(0)), TimedOut);
}

TEST_F(Training, WhatDoesNotFitIsRefused) {
  const Settings settings = settings_of(Arm::backprop);
  const auto expect = [&](Settings chosen, TrainingPlan plan, const std::string& what) {
    EXPECT_THAT([&] { require_fitting(chosen, dataset_, plan); },
                ThrowsMessage<UserError>(HasSubstr(what)));
  };
  EXPECT_NO_THROW(require_fitting(settings, dataset_, {1, 1, 520}));
  expect(settings, {1, 1, 521}, "a test of 521 rows");
  Settings wide = settings;
  wide.input_width = 784;
  expect(wide, {1, 1, 20}, "its images have 9 pixels");
  Settings large = settings;
  large.batch = 241;
  expect(large, {1, 1, 20}, "a batch of 241 rows");
}

} // namespace
} // namespace peakbench::ep
