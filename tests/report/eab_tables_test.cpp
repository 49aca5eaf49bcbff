#include <gmock/gmock.h>

#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;

TEST(EabTablesTest, ThreeWayComparison) {
  const auto tables = eab_tables(eab_cases());
  const Table& table = tables.front();
  EXPECT_NE(table.title.find("naive, original and copy-on-write"), std::string::npos);
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.rows[0][0], "naive");
  EXPECT_EQ(table.rows[1][0], "original");
  EXPECT_EQ(table.rows[2][0], "cow");
  EXPECT_EQ(cell(table, {"original"}, "decode"), "per_path"); // as published
  EXPECT_EQ(cell(table, {"cow"}, "decode"), "batched");       // the best one
  EXPECT_EQ(cell(table, {"cow"}, "samples"), "20");
  EXPECT_EQ(cell(table, {"cow"}, "wall time"), "4.000"); // median of 2, 4, 6
  EXPECT_EQ(cell(table, {"cow"}, "widest interval"), "2.0");
  EXPECT_EQ(cell(table, {"cow"}, "n"), "30");                  // 3 prompts of 10 repeats
  EXPECT_EQ(cell(table, {"cow"}, "memory overhead"), "40.00"); // SI megabytes
  EXPECT_EQ(cell(table, {"cow"}, "total tokens"), "1000");
  EXPECT_EQ(cell(table, {"cow"}, "tokens as in paper"), "900");
  EXPECT_EQ(cell(table, {"cow"}, "branches"), "7");
  EXPECT_EQ(cell(table, {"cow"}, "speed-up vs naive"), "5.00");
  EXPECT_EQ(cell(table, {"original"}, "speed-up vs naive"), "1.25");
  EXPECT_EQ(cell(table, {"naive"}, "speed-up vs naive"), "1.00");
  EXPECT_EQ(cell(table, {"cow"}, "memory vs naive"), "4.00");
  EXPECT_EQ(cell(table, {"cow"}, "saving vs original"), "80.0");
  EXPECT_EQ(cell(table, {"original"}, "saving vs original"), "-");
}

TEST(EabTablesTest, EveryArmAndDecode) {
  const auto tables = eab_tables(eab_cases());
  const Table& table = table_with(tables, "every arm");
  ASSERT_EQ(table.rows.size(), 5u);
  EXPECT_EQ(cell(table, {"cow", "per_path"}, "wall time"), "14.00");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "KV at its peak"), "20.00");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "KV bound"), "10.00");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "KV / bound"), "2.000");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "KV copied"), "0");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "same tree"), "3/3");
  EXPECT_EQ(cell(table, {"cow", "per_path"}, "same tree"), "-");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "speed-up vs batched"), "2.00");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "memory vs batched"), "0.25");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "cases ok"), "3/3");
}

TEST(EabTablesTest, FailedCasesCountAsNothingButAreCounted) {
  auto cases = eab_cases();
  for (auto& row : cases)
    if (row.arm == "original" && row.prompt_id == "c") {
      row.status = "out_of_memory";
      row.wall_seconds = 1e9; // must not be looked at
      row.peak_bytes = 1;
    }
  const auto tables = eab_tables(cases);
  const Table& table = tables.front();
  EXPECT_EQ(cell(table, {"original"}, "cases ok"), "2/3");
  EXPECT_EQ(cell(table, {"original"}, "wall time"), "12.00"); // of 8 and 16
  // Paired: prompts a and b only, not medians of different prompts.
  EXPECT_EQ(cell(table, {"original"}, "speed-up vs naive"), "1.25");
  EXPECT_EQ(cell(table, {"cow"}, "saving vs original"), "80.0");
}

TEST(EabTablesTest, TheOtherDecodeStandsInOnlyIfItFinished) {
  auto cases = eab_cases();
  for (auto& row : cases)
    if (row.arm == "cow" && row.decode == "batched")
      row.status = "timed_out";
  EXPECT_EQ(cell(eab_tables(cases).front(), {"cow"}, "decode"), "per_path");
  for (auto& row : cases)
    row.status = "timed_out";
  EXPECT_EQ(cell(eab_tables(cases).front(), {"cow"}, "decode"), "batched");
}

TEST(EabTablesTest, WithoutItsBaselineARatioIsAbsent) {
  auto cases = eab_cases();
  std::erase_if(cases, [](const auto& row) { return row.arm != "cow"; });
  const auto tables = eab_tables(cases);
  EXPECT_EQ(cell(tables.front(), {"cow"}, "speed-up vs naive"), "-");
  EXPECT_EQ(cell(tables.front(), {"cow"}, "saving vs original"), "-");
  EXPECT_EQ(cell(tables.front(), {"cow"}, "wall time"), "4.000");
}

TEST(EabTablesTest, SettingsAreNotMixed) {
  auto cases = eab_cases();
  for (auto& row : eab_cases()) {
    row.max_paths = 5;
    row.wall_seconds *= 100;
    cases.push_back(row);
  }
  const auto tables = eab_tables(cases);
  const Table& table = tables.front();
  EXPECT_EQ(table.columns.front().title, "max paths");
  ASSERT_EQ(table.rows.size(), 6u);
  EXPECT_EQ(cell(table, {"20", "cow"}, "wall time"), "4.000");
  EXPECT_EQ(cell(table, {"5", "cow"}, "wall time"), "400.0");
}

TEST(EabTablesTest, LengthsOfPromptsOnlyWhereThereAreSeveral) {
  auto cases = eab_cases();
  for (const Table& table : eab_tables(cases))
    EXPECT_EQ(table.title.find("length"), std::string::npos);
  for (auto& row : cases) {
    if (row.prompt_id == "b")
      row.prompt_tokens = 55;
    if (row.prompt_id == "c")
      row.prompt_tokens = 200;
  }
  const auto tables = eab_tables(cases);
  const Table& table = table_with(tables, "length");
  EXPECT_EQ(table.rows.size(), 10u);
  EXPECT_EQ(cell(table, {"50-55", "cow", "batched"}, "wall time"), "3.000");
  EXPECT_EQ(cell(table, {"200", "cow", "batched"}, "wall time"), "6.000");
  EXPECT_EQ(cell(table, {"200", "cow", "batched"}, "first token"), "-"); // not measured here
  EXPECT_EQ(cell(table, {"200", "cow", "batched"}, "saving vs original"), "80.0");
}

TEST(EabTablesTest, QualityWhereItWasMeasured) {
  auto cases = eab_cases();
  for (const Table& table : eab_tables(cases))
    EXPECT_EQ(table.title.find("quality"), std::string::npos);
  for (auto& row : cases)
    if (row.arm == "cow") {
      row.distinct_texts = 18;
      row.self_bleu = 0.25;
    }
  const auto tables = eab_tables(cases);
  const Table& table = table_with(tables, "quality");
  EXPECT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(cell(table, {"cow", "batched"}, "samples"), "20");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "distinct texts"), "18");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "self-BLEU"), "0.250");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "answer entropy"), "-");
}

TEST(EabTablesTest, NothingFromNothing) { EXPECT_TRUE(eab_tables({}).empty()); }

} // namespace
} // namespace peakbench::report
