// Savings from figures chosen by hand.
#include <gmock/gmock.h>

#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using namespace testing;

TEST(SavingsTest, EabPromptByPrompt) {
  auto cases = eab_cases();
  for (EabCase& row : cases) // one prompt saves less, and is slower
    if (row.arm == "cow" && row.decode == "batched" && row.prompt_id == "c") {
      row.peak_bytes = 240000000; // original 300 MB, naive 15 MB
      row.wall_seconds = 48;      // original 24 s
    }
  const Table table = eab_savings_tables(cases).front();
  EXPECT_EQ(table.title, "EAB: savings of cow, batched");
  EXPECT_EQ(cell(table, {"original", "per_path"}, "prompts"), "3");
  EXPECT_EQ(cell(table, {"original", "per_path"}, "peak saved"), "80.00"); // 80, 160, 60
  EXPECT_EQ(cell(table, {"original", "per_path"}, "saved"), "80.0");
  EXPECT_EQ(cell(table, {"original", "per_path"}, "saved least"), "20.0");
  EXPECT_EQ(cell(table, {"original", "per_path"}, "saved most"), "80.0");
  EXPECT_EQ(cell(table, {"original", "per_path"}, "speed-up"), "4.00");
  EXPECT_EQ(cell(table, {"original", "per_path"}, "speed-up least"), "0.50");
  EXPECT_EQ(cell(table, {"naive", "per_path"}, "saved"), "-300.0");         // 20 MB instead of 5
  EXPECT_THROW(cell(table, {"prefill_once"}, "saved"), std::runtime_error); // was not run
}

// Of an even number of prompts the median of a speed-up is not that of its inverse turned over: all
// tables take the speed-ups'.
TEST(SavingsTest, ASpeedUpIsTheSameInEveryTable) {
  std::vector<results::EabCase> cases;
  for (const auto& [prompt, seconds] : {std::pair("a", 10.0), std::pair("b", 1.0)}) {
    cases.push_back(eab_case("naive", "per_path", prompt, 10, 1000));
    cases.push_back(eab_case("cow", "batched", prompt, seconds, 1000));
  }
  const std::string median = "5.50"; // of 1 and 10; 2 / (1 + 1 / 10) is 1.82
  EXPECT_EQ(cell(eab_savings_tables(cases).front(), {"naive"}, "speed-up"), median);
  const std::vector<Table> tables = eab_tables(cases);
  for (const char* title : {"EAB: naive, original", "EAB: every arm"})
    EXPECT_EQ(cell(table_with(tables, title), {"cow", "batched"}, "speed-up vs naive"), median);
}

TEST(SavingsTest, EabWithoutBranchingArmsHasNone) {
  auto cases = eab_cases();
  std::erase_if(cases,
                [](const EabCase& row) { return row.arm == "cow" || row.arm == "original"; });
  EXPECT_TRUE(eab_savings_tables(cases).empty());
}

TEST(SavingsTest, EpByDepth) {
  auto cases = ep_cases();
  for (EpCase& row : cases)
    if (row.arm == "backprop" && row.depth == 500)
      row.status = "out_of_memory";
  const Table table = table_with(ep_tables(cases), "memory saved versus depth");
  EXPECT_EQ(cell(table, {"ep_fused", "ep_autograd"}, "depth 500"), "95.0"); // 5 of 100 MB
  EXPECT_EQ(cell(table, {"ep_fused", "ep_autograd"}, "depth 10"), "-150.0");
  EXPECT_EQ(cell(table, {"ep_fused", "ep_autograd"}, "saved"), "95.00");
  EXPECT_EQ(cell(table, {"ep_fused", "ep_autograd"}, "speed-up"), "1000");
  EXPECT_EQ(cell(table, {"ep_fused", "ep_autograd"}, "at depth"), "500");
  EXPECT_EQ(cell(table, {"ep_fused", "backprop"}, "depth 500"), "-");
  EXPECT_EQ(cell(table, {"ep_fused", "backprop"}, "at depth"), "200");
}

} // namespace
} // namespace peakbench::report
