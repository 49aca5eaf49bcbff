#include <gmock/gmock.h>

#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using namespace testing;

EabCase timed(EabCase row) {
  row.product_seconds = row.wall_seconds * 0.5;
  row.attention_seconds = row.wall_seconds * 0.25;
  row.sampling_seconds = row.wall_seconds * 0.05;
  row.time_to_first_token_seconds = 0.125;
  row.time_per_step_seconds = 0.02;
  row.emitted_tokens = 100;
  row.tokens_per_second = 100 / row.wall_seconds;
  row.prompts_per_step = 1;
  return row;
}

TEST(EabTimeTest, SharesOfTheWallTime) {
  const auto tables = eab_time_tables({timed(eab_case("cow", "batched", "a", 2, 1'000'000)),
                                       timed(eab_case("naive", "per_path", "a", 4, 1'000'000))});
  const Table& table = table_with(tables, "where the time goes");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(cell(table, {"cow"}, "wall time"), "2.000");
  EXPECT_EQ(cell(table, {"cow"}, "first token"), "0.1250");
  EXPECT_EQ(cell(table, {"cow"}, "a step"), "20.00");
  EXPECT_EQ(cell(table, {"cow"}, "products"), "50.0");
  EXPECT_EQ(cell(table, {"cow"}, "attention"), "25.0");
  EXPECT_EQ(cell(table, {"cow"}, "sampling"), "5.0");
  EXPECT_EQ(cell(table, {"cow"}, "rest"), "20.0");
  EXPECT_EQ(cell(table, {"naive"}, "tokens per s"), "25.00");
  EXPECT_TRUE(table_with(tables, "together").rows.empty()) << "no case has several prompts";
}

TEST(EabTimeTest, WhatCannotBeToldIsAbsent) {
  EabCase gpu = timed(eab_case("cow", "batched", "a", 2, 1'000'000));
  gpu.product_seconds = gpu.attention_seconds = results::kAbsentReal;
  const auto tables = eab_time_tables({gpu});
  const Table& table = table_with(tables, "where the time goes");
  EXPECT_EQ(cell(table, {"cow"}, "products"), "-");
  EXPECT_EQ(cell(table, {"cow"}, "rest"), "-");
  EXPECT_EQ(cell(table, {"cow"}, "sampling"), "5.0");
  EXPECT_THAT(table.notes, ::testing::Contains(::testing::HasSubstr("On a GPU")));
}

TEST(EabTimeTest, ThroughputIsOfAllCasesOfANumberOfPrompts) {
  std::vector<EabCase> cases{timed(eab_case("cow", "batched", "a", 1, 10'000'000)),
                             timed(eab_case("cow", "batched", "b", 3, 20'000'000)),
                             timed(eab_case("cow", "batched", "a+b", 2, 25'000'000))};
  cases[2].prompts_per_step = 2;
  cases[2].emitted_tokens = 200;
  const auto tables = eab_time_tables(cases);
  const Table& table = table_with(tables, "together");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(cell(table, {"cow", "1"}, "wall time"), "4.000");
  EXPECT_EQ(cell(table, {"cow", "1"}, "tokens per s"), "50.00");
  EXPECT_EQ(cell(table, {"cow", "1"}, "throughput"), "1.00");
  EXPECT_EQ(cell(table, {"cow", "1"}, "largest peak"), "20.00");
  EXPECT_EQ(cell(table, {"cow", "2"}, "cases ok"), "1/1");
  EXPECT_EQ(cell(table, {"cow", "2"}, "tokens per s"), "100.0");
  EXPECT_EQ(cell(table, {"cow", "2"}, "throughput"), "2.00");
}

} // namespace
} // namespace peakbench::report
