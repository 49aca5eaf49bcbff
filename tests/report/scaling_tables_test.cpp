#include <gtest/gtest.h>

#include "report/scaling_examples.h"
#include "report/scaling_rates.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using testing::cell;
using testing::scaling_case;
using testing::scaling_run;
using testing::table_with;

TEST(ScalingTables, SpeedUpAndEfficiencyAreAgainstTheFewestRanks) {
  const auto tables = scaling_tables(scaling_run().scaling);
  ASSERT_EQ(tables.size(), 2u);
  const Table& strong = table_with(tables, "strong");
  EXPECT_EQ(cell(strong, {"dynamic", "1"}, "speed-up"), "1.00");
  EXPECT_EQ(cell(strong, {"dynamic", "2"}, "speed-up"), "1.60");
  EXPECT_EQ(cell(strong, {"dynamic", "2"}, "efficiency"), "80.0");
  EXPECT_EQ(cell(strong, {"dynamic", "4"}, "speed-up"), "2.00");
  EXPECT_EQ(cell(strong, {"dynamic", "4"}, "efficiency"), "50.0");
  EXPECT_EQ(cell(strong, {"dynamic", "4"}, "rate"), "4.000");
  EXPECT_EQ(cell(strong, {"dynamic", "4"}, "interval"), "3.200 to 5.000");
  EXPECT_EQ(cell(strong, {"dynamic", "4"}, "idle"), "25.0");
  EXPECT_EQ(cell(strong, {"static", "2"}, "efficiency"), "50.0");
}

TEST(ScalingTables, WeakScalingIsOfCasesPerSecondToo) {
  const Table weak = table_with(scaling_tables(scaling_run().scaling), "weak");
  EXPECT_EQ(cell(weak, {"dynamic", "2"}, "cases"), "16");
  EXPECT_EQ(cell(weak, {"dynamic", "2"}, "speed-up"), "1.60");
  EXPECT_EQ(cell(weak, {"dynamic", "2"}, "efficiency"), "80.0") << "4 s on one rank, 5 on two";
  EXPECT_EQ(cell(weak, {"dynamic", "4"}, "efficiency"), "50.0");
}

TEST(ScalingTables, WhatDidNotFinishHasNoFigures) {
  const Table strong = table_with(scaling_tables(scaling_run().scaling), "strong");
  for (const char* column : {"time", "rate", "speed-up", "efficiency", "idle"})
    EXPECT_EQ(cell(strong, {"static", "4"}, column), "-") << column;
  EXPECT_EQ(cell(strong, {"static", "4"}, "finished"), "0/1");
}

TEST(ScalingTables, TheFewestRanksNeedNotBeOne) {
  const std::vector<results::ScalingCase> cases{scaling_case("strong", "dynamic", 2, 8, 4),
                                                scaling_case("strong", "dynamic", 8, 8, 2)};
  const Table strong = table_with(scaling_tables(cases), "strong");
  EXPECT_EQ(cell(strong, {"dynamic", "8"}, "speed-up"), "2.00");
  EXPECT_EQ(cell(strong, {"dynamic", "8"}, "efficiency"), "50.0");
}

TEST(ScalingTables, OtherWorkIsNotComparedWithIt) {
  std::vector<results::ScalingCase> cases = scaling_run().scaling;
  for (results::ScalingCase row : scaling_run().scaling) {
    row.workload = "x";
    row.cases_per_second *= 10;
    if (row.ranks > 1)
      cases.push_back(row);
  }
  const Table strong = table_with(scaling_tables(cases), "strong");
  EXPECT_EQ(cell(strong, {"w", "dynamic", "4"}, "speed-up"), "2.00");
  EXPECT_EQ(cell(strong, {"x", "dynamic", "4"}, "speed-up"), "1.25") << "against its own two ranks";
}

TEST(ScalingTables, AreAmongTheTablesOfARun) {
  const results::RunData run = scaling_run();
  EXPECT_EQ(table_with(tables_of(run), "Scaling: strong").rows.size(), 6u);
  EXPECT_EQ(cell(table_with(tables_of(run), "Validity"), {"scaling"}, "skipped"), "1");
  EXPECT_EQ(table_with(tables_of(run), "not ok").rows[0][2], "strong, static, 4 ranks");
  EXPECT_TRUE(scaling_tables({}).empty());
}

} // namespace
} // namespace peakbench::report
