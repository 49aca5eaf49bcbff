#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/comm_examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using testing::cell;
using testing::comm_run;
using ::testing::ElementsAre;

TEST(CommTables, TimeAndBandwidthOfEveryCase) {
  const auto tables = comm_tables(comm_run().comm);
  ASSERT_EQ(tables.size(), 1u);
  const Table& table = tables[0];
  EXPECT_EQ(table.title, "Collectives");
  const auto all_reduce = [&](const char* size, const char* column) {
    return cell(table, {"all_reduce", "auto", "4", size}, column);
  };
  EXPECT_EQ(all_reduce("16000000", "time"), "8000");
  EXPECT_EQ(all_reduce("16000000", "interval"), "6400 to 10000");
  EXPECT_EQ(all_reduce("16000000", "algorithm bandwidth"), "2.000");
  EXPECT_EQ(all_reduce("16000000", "bus bandwidth"), "3.000");
  EXPECT_EQ(all_reduce("8", "time"), "4.000");
  EXPECT_EQ(all_reduce("8", "hosts"), "2");
  EXPECT_EQ(all_reduce("8", "over"), "mpi");
  EXPECT_EQ(all_reduce("8", "validity"), "VALID");
}

TEST(CommTables, WhatIsWrongOrMissingIsTold) {
  const Table table = comm_tables(comm_run().comm).at(0);
  EXPECT_EQ(cell(table, {"reduce", "auto"}, "validity"), "INVALID");
  EXPECT_EQ(cell(table, {"reduce", "nccl"}, "validity"), "skipped");
  for (const char* column : {"over", "hosts", "sent", "time", "interval", "algorithm bandwidth"})
    EXPECT_EQ(cell(table, {"reduce", "nccl"}, column), "-") << column;
}

TEST(CommTables, RowsComeByOperationAndSize) {
  std::vector<std::string> order;
  const auto tables = comm_tables(comm_run().comm);
  for (const auto& row : tables.at(0).rows)
    order.push_back(row[0] + " " + row[3]);
  EXPECT_THAT(order, ElementsAre("all_reduce 8", "all_reduce 16000000", "broadcast 8",
                                 "broadcast 16000000", "reduce 8", "reduce 8"));
}

TEST(CommTables, NothingOfARunWithoutCollectives) { EXPECT_TRUE(comm_tables({}).empty()); }

TEST(CommTables, AreInTheReportAndJudgedThere) {
  const auto tables = tables_of(comm_run());
  EXPECT_EQ(tables.at(0).title, "Collectives");
  const Table& bad = testing::table_with(tables, "not ok or not valid");
  ASSERT_EQ(bad.rows.size(), 2u);
  EXPECT_EQ(bad.rows[0][2], "reduce auto 8 bytes, 4 ranks");
  EXPECT_EQ(bad.rows[1][4], "NCCL is not possible: two ranks are on one GPU");
}

} // namespace
} // namespace peakbench::report
