#include <gmock/gmock.h>

#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using namespace testing;

// Rated prompts whose branches rise with the rating, but for two neighbours.
std::vector<EabCase> rated_cases() {
  std::vector<EabCase> cases;
  const std::vector<std::pair<double, std::int64_t>> prompts{
      {1.0, 3}, {1.5, 5}, {2.0, 4}, {2.5, 9}, {3.0, 12}};
  for (std::size_t i = prompts.size(); i-- > 0;) {
    EabCase row = eab_case("cow", "batched", "p" + std::to_string(i), 1, 1000000);
    row.prompt_rating = prompts[i].first;
    row.branches = prompts[i].second;
    row.branch_rate = 1 - 0.1 * static_cast<double>(i);
    row.mean_entropy = 0.5;
    cases.push_back(row);
    row.arm = "naive";
    row.branches = 0;
    cases.push_back(row);
  }
  return cases;
}

TEST(EabAmbiguityTest, PromptsByRatingThenTheirCorrelation) {
  const auto tables = eab_ambiguity_tables(rated_cases());
  const Table& prompts = table_with(tables, "rating by people");
  ASSERT_EQ(prompts.rows.size(), 5u);
  EXPECT_EQ(prompts.rows[0][0], "p0");
  EXPECT_EQ(cell(prompts, {"p4"}, "rating"), "3.000");
  EXPECT_EQ(cell(prompts, {"p4"}, "branches"), "12");
  EXPECT_EQ(cell(prompts, {"p4"}, "answer entropy"), "-");

  const Table& found = table_with(tables, "Spearman");
  ASSERT_EQ(found.rows.size(), 4u);
  EXPECT_EQ(cell(found, {"branches"}, "prompts"), "5");
  EXPECT_EQ(cell(found, {"branches"}, "rho"), "0.900"); // 1 - 6 * 2 / (5 * 24)
  EXPECT_EQ(cell(found, {"branches"}, "p"), "0.0833");  // 10 of the 120 permutations
  EXPECT_EQ(cell(found, {"branches"}, "verdict"), "cannot tell");
  EXPECT_EQ(cell(found, {"branch rate"}, "rho"), "-1.000");
  EXPECT_EQ(cell(found, {"branch rate"}, "p"), "0.0167"); // 2 of 120
  EXPECT_EQ(cell(found, {"branch rate"}, "verdict"), "falls with the rating");
  EXPECT_EQ(cell(found, {"mean entropy"}, "rho"), "-"); // does not vary
  EXPECT_EQ(cell(found, {"mean entropy"}, "verdict"), "cannot tell");
  EXPECT_EQ(cell(found, {"answer entropy"}, "prompts"), "0");
}

TEST(EabAmbiguityTest, SeedsOfAPromptCountOnce) {
  auto cases = rated_cases();
  const std::size_t count = cases.size();
  for (std::size_t i = 0; i < count; ++i)
    for (const std::int64_t seed : {43, 44}) {
      EabCase row = cases[i];
      row.seed = seed;
      row.branches += seed == 44 ? 100 : 0; // one outlier of three: the median stays
      cases.push_back(row);
    }
  const auto tables = eab_ambiguity_tables(cases);
  EXPECT_EQ(cell(table_with(tables, "Spearman"), {"branches"}, "prompts"), "5");
  EXPECT_EQ(cell(table_with(tables, "Spearman"), {"branches"}, "rho"), "0.900");
  EXPECT_EQ(cell(table_with(tables, "rating by people"), {"p4"}, "branches"), "12");
}

TEST(EabAmbiguityTest, FailedAndUnratedPromptsAreLeftOut) {
  auto cases = rated_cases();
  for (auto& row : cases) {
    if (row.prompt_id == "p1")
      row.status = "failed";
    if (row.prompt_id == "p2")
      row.prompt_rating = results::kAbsentReal;
  }
  const auto tables = eab_ambiguity_tables(cases);
  EXPECT_EQ(cell(table_with(tables, "Spearman"), {"branches"}, "prompts"), "3");
  for (const Table& table : eab_ambiguity_tables(eab_cases()))
    EXPECT_TRUE(table.rows.empty()) << "no ratings, no table: " << table.title;
}

} // namespace
} // namespace peakbench::report
