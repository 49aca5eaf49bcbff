#include "suite/ep_analysis.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "suite/ep_runner.h"

namespace peakbench::suite {
namespace {

results::EpRow row_of(const std::string& arm, const std::string& more = "") {
  const Config config = parse_config(
      "repeats: {warm_up: 0, min: 1, max: 1}\nep: {arms: " + arm +
          ", depths: 6, width: 12, batch: 4, steps: 3, init: orthogonal, analysis_depths: [6]" +
          more + "}",
      "test.yaml", {});
  const Plan plan = make_plan(config);
  results::EpRow row = run_ep_case(plan.ep.at(0), config, c10::kCPU);
  EXPECT_EQ(row.record.status, "ok") << row.record.reason;
  return row;
}

TEST(EpAnalysis, FillsComponentsOperationsAndDifferences) {
  const results::EpRow row = row_of("ep_manual");
  std::set<std::string> components, modes;
  for (const auto& one : row.components) {
    components.insert(one.component);
    EXPECT_EQ(one.case_id, row.record.case_id);
  }
  for (const auto& one : row.operations)
    modes.insert(one.mode);
  EXPECT_EQ(components,
            (std::set<std::string>{"settling", "energy", "contrast", "update", "step"}));
  EXPECT_EQ(modes, (std::set<std::string>{"forward_manual_no_grad", "forward_module_no_grad",
                                          "forward_module_grad", "settling_step", "contrast"}));
  EXPECT_LT(row.record.energy_difference, 1e-8);
  EXPECT_LT(row.record.state_difference, 1e-5);
  EXPECT_LT(row.record.loss_difference, 1e-3);
  // All of the step, less the batch: what the case's own peak says.
  const auto& step = row.components.back();
  EXPECT_EQ(step.component, "step");
  const std::int64_t batch = 4 * (4 * 784 + 4 * 10) + 4 * 8; // input, target; labels
  EXPECT_EQ(step.peak_bytes + batch, row.record.peak_beyond_weights_bytes);
}

TEST(EpAnalysis, OtherArmsAndDepthsHaveLess) {
  const results::EpRow sweep = row_of("ep_sweep");
  EXPECT_FALSE(sweep.components.empty());
  EXPECT_TRUE(sweep.operations.empty());
  EXPECT_TRUE(std::isnan(sweep.record.state_difference));
  EXPECT_TRUE(row_of("ep_manual", ", momentum: 0.4").components.size() > 0);
  const results::EpRow reference = row_of("ep_autograd");
  EXPECT_TRUE(std::isnan(reference.record.state_difference))
      << "it is what others are held against";
}

// A difference that the published gradient would pass as well is no proof, and not recorded.
TEST(EpAnalysis, WhatTheControlPassesIsLeftOut) {
  ep::Comparison comparison;
  comparison.arm = {1e-12, 1e-12, 1e-12};
  comparison.published = {1, 1e-6, 1};
  results::EpCase record;
  fill_differences(comparison, record);
  EXPECT_EQ(record.energy_difference, 1e-12);
  EXPECT_TRUE(std::isnan(record.state_difference));
  EXPECT_EQ(record.loss_difference, 1e-12);
}

TEST(EpAnalysis, TimeAndMemoryAlone) {
  const Config config =
      parse_config("ep: {arms: ep_fused, depths: 4, width: 8, batch: 2, steps: 2}", "t", {});
  const Plan plan = make_plan(config);
  const results::EpRow row =
      run_ep_case(plan.ep.at(0), config, c10::kCPU, Looks::at_time_and_memory);
  EXPECT_EQ(row.record.status, "ok");
  EXPECT_GT(row.record.peak_beyond_weights_bytes, 0);
  EXPECT_EQ(row.record.reach, results::kAbsent);
  EXPECT_EQ(row.record.validity, "");
}

} // namespace
} // namespace peakbench::suite
