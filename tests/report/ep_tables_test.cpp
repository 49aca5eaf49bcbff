#include <gmock/gmock.h>

#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using namespace testing;

TEST(EpTablesTest, MemoryVersusDepthWithSlopesAndSavings) {
  const auto tables = ep_tables(ep_cases());
  const Table& table = table_with(tables, "memory beyond the weights");
  EXPECT_EQ(cell(table, {"ep_autograd"}, "depth 100"), "20.00");
  EXPECT_EQ(cell(table, {"ep_autograd"}, "slope"), "0.2000");
  EXPECT_EQ(cell(table, {"ep_fused"}, "slope"), "0.0000");
  // Depth 10 is below the regression's range: with it the slope would be another one.
  EXPECT_EQ(cell(table, {"backprop"}, "slope"), "0.1331");
  EXPECT_EQ(cell(table, {"ep_fused"}, "saving vs ep_autograd"), "95.0"); // 5 of 100 MB
  EXPECT_EQ(cell(table, {"ep_fused"}, "saving vs backprop"), "92.8");    // 5 of 69.55 MB
  EXPECT_EQ(cell(table, {"ep_autograd"}, "saving vs ep_autograd"), "-");
  EXPECT_EQ(cell(table, {"ep_fused"}, "at depth"), "500");
  EXPECT_EQ(cell(table, {"ep_fused"}, "reach there"), "30");
  EXPECT_EQ(cell(table, {"backprop"}, "reach there"), "500");
  EXPECT_TRUE(has_note(table, "Light cone"));
  EXPECT_TRUE(has_note(table, "truncated_backprop, which trains the same layers"));
  // The control stands beside what it controls.
  EXPECT_EQ(table.rows[2][0], "truncated_backprop");
  EXPECT_EQ(table.rows[3][0], "ep_fused");
}

TEST(EpTablesTest, SavingsAreTakenWhereAllFinished) {
  auto cases = ep_cases();
  for (auto& row : cases)
    if (row.arm == "ep_autograd" && row.depth == 500)
      row.status = "timed_out";
  const auto tables = ep_tables(cases);
  const Table& table = table_with(tables, "memory beyond the weights");
  EXPECT_EQ(cell(table, {"ep_autograd"}, "depth 500"), "-");
  EXPECT_EQ(cell(table, {"ep_autograd"}, "depth 200"), "40.00");
  EXPECT_EQ(cell(table, {"ep_fused"}, "at depth"), "200");
  EXPECT_EQ(cell(table, {"ep_fused"}, "saving vs ep_autograd"), "87.5"); // 5 of 40 MB
}

TEST(EpTablesTest, TimesOfAStep) {
  const auto tables = ep_tables(ep_cases());
  const Table& table = table_with(tables, "time of one training step");
  EXPECT_EQ(cell(table, {"backprop"}, "depth 100"), "10.00"); // milliseconds
  EXPECT_EQ(cell(table, {"ep_fused"}, "speed-up vs ep_autograd"), "1000");
  EXPECT_EQ(cell(table, {"ep_fused"}, "time vs truncated backprop"), "0.50");
  EXPECT_EQ(cell(table, {"ep_fused"}, "widest interval"), "6.0");
  EXPECT_EQ(cell(table, {"ep_fused"}, "gradient error"), "1.00e-06");
}

TEST(EpTablesTest, SlopesByTag) {
  const auto tables = ep_tables(ep_cases());
  const Table& table = table_with(tables, "what grows");
  EXPECT_EQ(cell(table, {"backprop"}, "beyond weights"), "0.1331");
  EXPECT_EQ(cell(table, {"backprop"}, "with weights"), "0.1991"); // + 0.066048 a layer
  EXPECT_EQ(cell(table, {"backprop"}, "gradients"), "0.1331");
  EXPECT_EQ(cell(table, {"backprop"}, "workspace"), "0.0000");
  EXPECT_EQ(cell(table, {"backprop"}, "activations"), "-"); // not measured in this example
}

TEST(EpTablesTest, OneDepthHasNoSlope) {
  const auto tables = ep_tables({ep_case("ep_fused", 100, 1e-3, 5000000)});
  const Table& table = table_with(tables, "memory beyond the weights");
  EXPECT_EQ(cell(table, {"ep_fused"}, "slope"), "-");
  EXPECT_EQ(cell(table, {"ep_fused"}, "saving vs ep_autograd"), "-");
  EXPECT_TRUE(has_note(table, "is not in this file"));
}

TEST(EpTablesTest, SettingsAreNotMixed) {
  auto cases = ep_cases();
  for (auto row : ep_cases()) {
    row.steps = 60;
    row.peak_beyond_weights_bytes *= 2;
    cases.push_back(row);
  }
  const auto tables = ep_tables(cases);
  const Table& table = table_with(tables, "memory beyond the weights");
  EXPECT_EQ(cell(table, {"30", "ep_autograd"}, "slope"), "0.2000");
  EXPECT_EQ(cell(table, {"60", "ep_autograd"}, "slope"), "0.4000");
}

TEST(EpTablesTest, SeedsAreMedians) {
  auto cases = ep_cases();
  for (const std::int64_t seed : {43, 44})
    for (auto row : ep_cases()) {
      row.seed = seed;
      if (seed == 44)
        row.peak_beyond_weights_bytes *= 1000;
      cases.push_back(row);
    }
  const auto tables = ep_tables(cases);
  EXPECT_EQ(cell(table_with(tables, "memory beyond"), {"ep_fused"}, "depth 500"), "5.000");
}

} // namespace
} // namespace peakbench::report
