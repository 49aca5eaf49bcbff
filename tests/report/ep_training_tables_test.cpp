#include <gmock/gmock.h>

#include "report/ep_training_examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using testing::cell;
using testing::has_note;
using testing::table_with;
using testing::training_run;

TEST(EpTrainingTables, AccuracyOfEveryArmByDepth) {
  const Table table = table_with(ep_training_tables(training_run()), "Test accuracy");
  EXPECT_EQ(table.settings, 1u) << "init varies";
  EXPECT_EQ(cell(table, {"orthogonal", "backprop"}, "depth 4"), "80.0");
  EXPECT_EQ(cell(table, {"orthogonal", "ep_fused"}, "depth 30"), "75.0");
  EXPECT_EQ(cell(table, {"torch", "ep_fused"}, "depth 4"), "45.0");
  EXPECT_EQ(cell(table, {"torch", "ep_fused"}, "depth 30"), "diverged");
  EXPECT_TRUE(has_note(table, "untrained: 10.0 to 10.0 %"));
  EXPECT_TRUE(has_note(table, "training_steps 200"));
}

TEST(EpTrainingTables, DifferencesAreToTheSameSettingAndDepth) {
  results::RunData run = training_run();
  for (results::EpCase& row : run.ep)
    if (row.arm == "truncated_backprop" && row.depth == 30 && row.init == "orthogonal")
      row.test_accuracy = 0.70;
  const Table table = table_with(ep_training_tables(run), "in full");
  EXPECT_EQ(cell(table, {"orthogonal", "4", "ep_fused"}, "vs backprop"), "-5.0");
  EXPECT_EQ(cell(table, {"orthogonal", "30", "ep_fused"}, "vs truncated_backprop(T)"), "+5.0");
  EXPECT_EQ(cell(table, {"orthogonal", "30", "truncated_backprop"}, "vs backprop"), "-10.0");
  EXPECT_EQ(cell(table, {"orthogonal", "30", "backprop"}, "vs backprop"), "-");
  EXPECT_EQ(cell(table, {"orthogonal", "30", "ep_fused"}, "reach"), "30");
  EXPECT_EQ(cell(table, {"orthogonal", "4", "ep_fused"}, "training loss"), "1.250");
}

TEST(EpTrainingTables, WhatDidNotEndHasNoFiguresButItsReach) {
  const Table table = table_with(ep_training_tables(training_run()), "in full");
  EXPECT_EQ(cell(table, {"torch", "30", "ep_fused"}, "test accuracy"), "-");
  EXPECT_EQ(cell(table, {"torch", "30", "ep_fused"}, "vs backprop"), "-");
  EXPECT_EQ(cell(table, {"torch", "30", "ep_fused"}, "status"), "diverged");
  EXPECT_EQ(cell(table, {"torch", "30", "ep_fused"}, "reach"), "30");
}

TEST(EpTrainingTables, MedianOverSeeds) {
  results::RunData run;
  for (const auto& [seed, accuracy] : {std::pair{1, 0.5}, {2, 0.8}, {3, 0.6}}) {
    run.ep.push_back(testing::trained_case("backprop", 4, "he", accuracy));
    run.ep.back().seed = seed;
  }
  const Table table = table_with(ep_training_tables(run), "Test accuracy");
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(cell(table, {"backprop"}, "depth 4"), "60.0");
}

TEST(EpTrainingTables, NoneWithoutTraining) {
  EXPECT_TRUE(ep_training_tables(testing::example_run()).empty());
  // A run that did train has it among its tables.
  EXPECT_NO_THROW(table_with(tables_of(training_run()), "does it learn"));
}

} // namespace
} // namespace peakbench::report
