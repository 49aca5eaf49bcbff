#include <gmock/gmock.h>

#include "report/eab_arms.h"
#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using namespace testing;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

// The example's cases again with another value of a setting, `scale` times slower.
template <class Change>
void add_variant(std::vector<EabCase>& cases, double scale, Change change) {
  for (EabCase row : eab_cases()) {
    change(row);
    if (row.arm == "cow")
      row.wall_seconds *= scale;
    cases.push_back(row);
  }
}

TEST(EabVersusTest, OneRowPerValueInTheirOrder) {
  std::vector<EabCase> cases;
  add_variant(cases, 2, [](EabCase& row) { row.branch_factor = 10; });
  add_variant(cases, 1, [](EabCase& row) { row.branch_factor = 3; });
  const auto tables = eab_versus_tables(cases);
  const Table& table = table_with(tables, "EAB versus branch factor: cow, batched");
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0][0], "3");
  EXPECT_EQ(table.rows[1][0], "10");
  EXPECT_EQ(cell(table, {"3"}, "wall time"), "4.000"); // median of 2, 4, 6
  EXPECT_EQ(cell(table, {"10"}, "wall time"), "8.000");
  EXPECT_EQ(cell(table, {"3"}, "widest interval"), "2.0");
  EXPECT_EQ(cell(table, {"3"}, "speed-up vs naive"), "5.00");
  EXPECT_EQ(cell(table, {"10"}, "speed-up vs naive"), "2.50");
  EXPECT_EQ(cell(table, {"3"}, "speed-up vs batched"), "2.00");
  EXPECT_EQ(cell(table, {"3"}, "peak"), "40.00");
  EXPECT_EQ(cell(table, {"3"}, "memory vs naive"), "4.00");
  EXPECT_EQ(cell(table, {"3"}, "saving vs original"), "80.0");
  EXPECT_EQ(cell(table, {"3"}, "KV / bound"), "2.000");
  EXPECT_EQ(cell(table, {"3"}, "samples"), "20");
  EXPECT_EQ(cell(table, {"3"}, "branches"), "7");
  EXPECT_EQ(cell(table, {"3"}, "total tokens"), "1000");
  EXPECT_EQ(cell(table, {"3"}, "cases ok"), "3/3");
}

TEST(EabVersusTest, TheModelsWeightsAreNoFactorOfTheirOwn) {
  auto cases = eab_cases();
  add_variant(cases, 1, [](EabCase& row) {
    row.model = "synthetic:qwen2.5-3b";
    row.weights = "random";
  });
  EXPECT_EQ(eab_versus_tables(cases).front().title, "EAB versus model: cow, batched");
}

TEST(EabVersusTest, LengthsAndDomainsOnlyWhereTheyVary) {
  auto cases = eab_cases();
  for (const Table& table : eab_versus_tables(cases))
    EXPECT_TRUE(table.rows.empty()) << table.title;
  for (auto& row : cases) {
    row.prompt_tokens = row.prompt_id == "c" ? 90 : 50; // not twice as long
    row.domain = row.prompt_id == "a" ? "code" : "";
  }
  auto tables = eab_versus_tables(cases);
  EXPECT_TRUE(table_with(tables, "prompt length").rows.empty());
  const Table& domains = table_with(tables, "EAB versus domain");
  ASSERT_EQ(domains.rows.size(), 2u);
  EXPECT_EQ(cell(domains, {"-"}, "wall time"), "5.000"); // median of 4, 6
  EXPECT_EQ(cell(domains, {"code"}, "wall time"), "2.000");
  for (auto& row : cases)
    row.prompt_tokens = row.prompt_id == "c" ? 100 : 50;
  tables = eab_versus_tables(cases);
  const Table& lengths = table_with(tables, "EAB versus prompt length");
  ASSERT_EQ(lengths.rows.size(), 2u);
  EXPECT_EQ(cell(lengths, {"100"}, "wall time"), "6.000");
  EXPECT_EQ(cell(lengths, {"50"}, "wall time"), "3.000");
}

TEST(EabVersusTest, GridOfThresholdAndTemperature) {
  std::vector<EabCase> cases;
  for (const double threshold : {0.2, 0.1})
    for (const double temperature : {1.3, 0.5})
      add_variant(cases, 1, [&](EabCase& row) {
        row.threshold = threshold;
        row.temperature = temperature;
        row.samples = static_cast<std::int64_t>(100 * threshold + 10 * temperature);
      });
  const auto tables = eab_versus_tables(cases);
  const Table& grid = table_with(tables, "threshold x temperature");
  EXPECT_EQ(cell(grid, {"samples", "0.1"}, "T 0.5"), "15");
  EXPECT_EQ(cell(grid, {"samples", "0.1"}, "T 1.3"), "23");
  EXPECT_EQ(cell(grid, {"samples", "0.2"}, "T 0.5"), "25");
  EXPECT_EQ(cell(grid, {"saving vs original in %", "0.2"}, "T 1.3"), "80.0");
  EXPECT_EQ(cell(grid, {"speed-up vs naive", "0.2"}, "T 1.3"), "5.00");
  EXPECT_EQ(table_with(tables, "EAB versus threshold and temperature").rows.size(), 4u);

  // Without its baseline a figure has no rows; with one of the two fixed there is no grid.
  std::erase_if(cases, [](const EabCase& row) { return row.arm == "naive"; });
  const auto without = eab_versus_tables(cases);
  for (const auto& row : table_with(without, "x temperature").rows)
    EXPECT_NE(row[0], "speed-up vs naive");
  std::erase_if(cases, [](const EabCase& row) { return row.threshold > 0.1; });
  EXPECT_TRUE(table_with(eab_versus_tables(cases), "x temperature").rows.empty());
}

TEST(EabVersusTest, OriginalStandsInWhereCowWasNotRun) {
  auto cases = eab_cases();
  std::erase_if(cases, [](const EabCase& row) { return row.arm == "cow"; });
  EXPECT_EQ(subject_of(cases).arm, "original");
  add_variant(cases, 1, [](EabCase& row) { row.top_k = 5; });
  std::erase_if(cases, [](const EabCase& row) { return row.arm == "cow"; });
  const auto tables = eab_versus_tables(cases);
  const Table& table = table_with(tables, "EAB versus top k: original, per_path");
  EXPECT_EQ(cell(table, {"5"}, "saving vs original"), "-");
  std::erase_if(cases, [](const EabCase& row) { return row.arm == "original"; });
  EXPECT_TRUE(eab_versus_tables(cases).empty());
}

TEST(EabVersusTest, FailedCasesAreCountedNotUsed) {
  auto cases = eab_cases();
  add_variant(cases, 1, [](EabCase& row) {
    row.max_paths = 64;
    row.status = "out_of_memory";
    row.wall_seconds = 1e9;
  });
  const auto tables = eab_versus_tables(cases);
  const Table& table = table_with(tables, "EAB versus max paths");
  EXPECT_EQ(cell(table, {"64"}, "cases ok"), "0/3");
  EXPECT_EQ(cell(table, {"64"}, "wall time"), "-");
  EXPECT_EQ(cell(table, {"20"}, "wall time"), "4.000");
}

// A row that is shorter than its table would be read beyond its end.
TEST(EabVersusTest, EveryRowOfEveryTableHasAllCells) {
  std::vector<EabCase> cases;
  for (const double threshold : {0.2, 0.1})
    for (const double temperature : {1.3, 0.5})
      add_variant(cases, 1, [&](EabCase& row) {
        row.threshold = threshold;
        row.temperature = temperature;
        row.prompt_tokens = row.prompt_id == "c" ? 200 : 50;
        row.domain = row.prompt_id;
        row.prompt_rating = row.prompt_id == "c" ? 1 : 2;
        row.kv_bytes_per_token = 100;
        row.distinct_texts = 20;
      });
  const auto tables = eab_tables(cases);
  EXPECT_EQ(tables.size(), 14u);
  for (const Table& table : tables)
    EXPECT_THAT(table.rows, Each(::testing::SizeIs(table.columns.size()))) << table.title;
}

} // namespace
} // namespace peakbench::report
