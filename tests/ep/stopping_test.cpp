#include "ep/stopping.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "ep/inspection.h"
#include "ep/problem.h"
#include "ep/settling.h"

namespace peakbench::ep {
namespace {

using namespace testing;
using Verdict = EnergyRule::Verdict;

Settings compat(double tolerance, bool adaptive) {
  Settings settings = small_settings();
  settings.profile = Profile::compat;
  settings.tolerance = tolerance;
  settings.adaptive = adaptive;
  return settings;
}

TEST(EnergyRule, EndsAfterFiveQuietChangesInARow) {
  EnergyRule rule(compat(0.1, false));
  std::vector<at::Tensor> states;
  double rate = 1;
  EXPECT_EQ(rule.look(10, states, rate), Verdict::go_on);
  for (int quiet = 0; quiet < 4; ++quiet)
    EXPECT_EQ(rule.look(10, states, rate), Verdict::go_on);
  EXPECT_EQ(rule.look(9, states, rate), Verdict::go_on) << "a large change counts anew";
  for (int quiet = 0; quiet < 4; ++quiet)
    EXPECT_EQ(rule.look(9.05, states, rate), Verdict::go_on);
  EXPECT_EQ(rule.look(9.05, states, rate), Verdict::ended);
  EXPECT_EQ(rate, 1);
}

TEST(EnergyRule, AdaptsTheRateAndTakesStepsBack) {
  EnergyRule rule(compat(0, true));
  std::vector<at::Tensor> states{at::full({2, 2}, 1.0)};
  double rate = 1;
  EXPECT_EQ(rule.look(10, states, rate), Verdict::go_on);
  states[0].fill_(2.0);
  EXPECT_EQ(rule.look(9, states, rate), Verdict::go_on);
  EXPECT_DOUBLE_EQ(rate, 1.1);
  states[0].fill_(3.0);
  EXPECT_EQ(rule.look(9.5, states, rate), Verdict::taken_back);
  EXPECT_DOUBLE_EQ(rate, 0.55);
  EXPECT_EQ(states[0][0][0].item<double>(), 2.0);
  for (int step = 0; step < 100; ++step)
    rule.look(8.0 - step, states, rate);
  EXPECT_DOUBLE_EQ(rate, 10);
}

TEST(EnergyRule, WatchesNothingUnlessAsked) {
  EXPECT_FALSE(EnergyRule(small_settings()).watches());
  EXPECT_FALSE(EnergyRule(compat(0, false)).watches());
  EXPECT_TRUE(EnergyRule(compat(0.1, false)).watches());
  EXPECT_TRUE(EnergyRule(compat(0, true)).watches());
  Settings clean = small_settings();
  clean.tolerance = 0.1;
  EXPECT_FALSE(EnergyRule(clean).watches()) << "clean stops rows";
  EXPECT_TRUE(RowRule(clean).watches());
  EXPECT_FALSE(RowRule(compat(0.1, false)).watches());
}

TEST(RowRule, AStoppedRowStaysAndTheOthersMove) {
  Settings settings = small_settings();
  settings.tolerance = 0.5;
  RowRule rule(settings);
  std::vector<at::Tensor> states{at::zeros({2, 3}), at::zeros({2, 2})};
  std::vector<at::Tensor> velocities{at::zeros({2, 3}), at::zeros({2, 2})};
  const auto move = [&](double first_row, double second_row) {
    rule.before(states, velocities);
    states[1][0].add_(first_row);
    states[1][1].add_(second_row);
    velocities[1].add_(1);
    rule.after(states, velocities);
  };
  move(0.5, 2.0);
  EXPECT_EQ(states[1][0][0].item<float>(), 0.5F) << "the step that is small enough still counts";
  EXPECT_FALSE(rule.all_stopped());
  move(7.0, 0.1);
  EXPECT_EQ(states[1][0][0].item<float>(), 0.5F);
  EXPECT_EQ(velocities[1][0][0].item<float>(), 1.0F);
  EXPECT_FLOAT_EQ(states[1][1][0].item<float>(), 2.1F);
  EXPECT_TRUE(rule.all_stopped());
}

// A row of a batch settles as it does alone, with its own number of steps.
TEST(RowRule, RowsOfABatchSettleAsAlone) {
  Settings settings = small_settings(4);
  settings.tolerance = 0.02;
  settings.steps = 40;
  settings.arm = Arm::ep_analytic;
  const Case all(settings);
  const auto last_states = [](const Case& test) {
    StateRecorder recorder(test.settings.depth, true);
    Collected sink(test.settings.depth);
    run_arm(test.problem(&recorder), sink);
    return recorder.steps;
  };
  const auto together = last_states(all);
  std::set<std::size_t> lengths;
  for (std::int64_t row = 0; row < settings.batch; ++row) {
    Case alone(settings);
    alone.settings.batch = 1;
    alone.network = all.network;
    alone.batch = {all.batch.input.narrow(0, row, 1), all.batch.labels.narrow(0, row, 1),
                   all.batch.target.narrow(0, row, 1)};
    const auto steps = last_states(alone);
    lengths.insert(steps.size());
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_LT(relative_distance(together.back()[i].narrow(0, row, 1), steps.back()[i]), 1e-12);
  }
  EXPECT_GT(lengths.size(), 1u) << "rows stop at different steps";
  EXPECT_LT(*lengths.rbegin(), 41u) << "and before the last one";
}

TEST(Stopping, TheRecordSaysHowManyStepsWereDone) {
  Settings settings = compat(1e-3, false);
  settings.steps = 200;
  settings.arm = Arm::ep_analytic;
  const Case test(settings);
  const Inspection stopped = inspect_step(settings, test.network, test.batch, {});
  EXPECT_GT(stopped.settled_steps, 4);
  EXPECT_LT(stopped.settled_steps, 200);
  settings.tolerance = 0;
  EXPECT_EQ(inspect_step(settings, test.network, test.batch, {}).settled_steps, 200);
}

} // namespace
} // namespace peakbench::ep
