// Every verdict from figures chosen by hand: met, missed, and lacking.
#include "report/eab_criteria.h"

#include <gmock/gmock.h>

#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A run that meets every goal, as the suite's own does.
std::vector<EabCase> meeting() {
  std::vector<EabCase> cases;
  const auto add = [&](const char* arm, const char* decode, std::int64_t tokens, double seconds,
                       double megabytes) {
    EabCase row = eab_case(arm, decode, std::to_string(tokens), seconds,
                           static_cast<std::int64_t>(megabytes * 1e6));
    row.model = "SmolLM2-135M";
    row.max_new_tokens = 50;
    row.branch_factor = 3;
    row.prompt_tokens = tokens;
    row.sampling_seconds = 0.01 * seconds;
    row.kv_bound_bytes = row.kv_physical_bytes;
    row.case_id = results::case_id_of(row);
    if (std::string(arm) == "cow")
      row.tree_matches_reference = 1;
    cases.push_back(row);
  };
  for (const auto& [tokens, scale] : {std::pair{50, 1.0}, {200, 1.1}}) {
    add("naive", "per_path", tokens, 10 * scale, 5);
    add("naive_batched", "batched", tokens, 5 * scale, 60);
    add("original", "per_path", tokens, 8 * scale, 300);
    add("cow", "per_path", tokens, 7 * scale, 26);
    add("cow", "batched", tokens, 1 * scale, 27);
  }
  return cases;
}

const Criterion& find(const Criteria& criteria, const std::string& name, const std::string& arm) {
  for (const Criterion& one : criteria.all)
    if (one.name == name && one.arm == arm)
      return one;
  throw std::runtime_error("no criterion " + name + " of " + arm);
}

TEST(EabCriteriaTest, MetGoalsPass) {
  const Criteria criteria = eab_criteria(meeting());
  for (const Criterion& one : criteria.all)
    EXPECT_EQ(name_of(one.verdict), "PASS") << one.name << " " << one.arm << " " << one.measured;
  EXPECT_EQ(find(criteria, "saving vs original, 200 tokens", "cow, batched").at, "200");
  EXPECT_EQ(find(criteria, "saving vs original, 200 tokens", "cow, batched").measured, "91.0 %");
  EXPECT_EQ(find(criteria, "suite's own time", "naive, per_path").measured, "1.0 %");
}

struct Spoiled {
  const char *name, *arm;
  void (*spoil)(EabCase&); // rows of cow, batched
};
class EabCriteriaSpoiled : public ::testing::TestWithParam<Spoiled> {};

TEST_P(EabCriteriaSpoiled, MissedGoalsFail) {
  auto cases = meeting();
  for (EabCase& row : cases)
    if (row.arm == "cow" && row.decode == "batched")
      GetParam().spoil(row);
  EXPECT_EQ(name_of(find(eab_criteria(cases), GetParam().name, GetParam().arm).verdict), "FAIL");
}

INSTANTIATE_TEST_SUITE_P(
    Goals, EabCriteriaSpoiled,
    ::testing::Values(
        Spoiled{"same tree as original, per_path", "cow, batched",
                [](EabCase& row) {
                  row.tree_matches_reference = 0;
                  row.tree_gap = 1;
                  row.validity = "INVALID: another tree";
                }},
        Spoiled{"KV allocated / least possible", "cow, batched",
                [](EabCase& row) { row.kv_bound_bytes = row.kv_physical_bytes * 9 / 10; }},
        Spoiled{"KV copied by forks", "cow, batched",
                [](EabCase& row) { row.kv_bytes_copied = 1; }},
        Spoiled{"saving vs original, 200 tokens", "cow, batched",
                [](EabCase& row) { row.peak_bytes = 50000000; }},
        Spoiled{"peak vs naive_batched, 200 tokens", "cow, batched",
                [](EabCase& row) { row.peak_bytes = 60000000; }},
        Spoiled{"peak beyond weights", "cow, batched",
                [](EabCase& row) { row.peak_bytes = 31000000; }},
        Spoiled{"saving vs original", "cow, batched",
                [](EabCase& row) { row.peak_bytes = 200000000; }},
        Spoiled{"speed-up vs naive", "cow, batched", [](EabCase& row) { row.wall_seconds = 9; }},
        Spoiled{"suite's own time", "cow, batched",
                [](EabCase& row) { row.sampling_seconds = 0.06 * row.wall_seconds; }}));

TEST(EabCriteriaTest, OtherTreesWithinRoundingAreExplainedWithTheirGap) {
  auto cases = meeting();
  for (EabCase& row : cases)
    if (row.arm == "cow" && row.decode == "batched" && row.prompt_tokens == 50) {
      row.tree_matches_reference = 0;
      row.tree_gap = 0.0125;
    }
  const Criteria criteria = eab_criteria(cases);
  const Criterion& one = find(criteria, "same tree as original, per_path", "cow, batched");
  EXPECT_EQ(name_of(one.verdict), "explained");
  EXPECT_EQ(one.measured, "1 of 2, gaps <= 0.013");
  EXPECT_TRUE(has_note(eab_criteria_tables(cases).front(), "explained: other trees"));
}

TEST(EabCriteriaTest, WhatTheFileLacksIsNotMeasured) {
  auto cases = meeting();
  std::erase_if(cases, [](const EabCase& row) {
    return row.arm != "cow" || row.decode != "batched" || row.prompt_tokens == 200;
  });
  cases.front().model = "another";
  const Criteria criteria = eab_criteria(cases);
  for (const char* name : {"saving vs original, 200 tokens", "peak vs naive_batched, 200 tokens",
                           "peak beyond weights", "saving vs original", "speed-up vs naive"})
    EXPECT_EQ(name_of(find(criteria, name, "cow, batched").verdict), "not measured") << name;
  EXPECT_EQ(name_of(find(criteria, "KV copied by forks", "cow, batched").verdict), "PASS");
}

TEST(EabCriteriaTest, FailedCasesAreNoEvidence) {
  auto cases = meeting();
  for (EabCase& row : cases)
    row.status = "failed";
  EXPECT_THAT(eab_criteria_tables(cases), IsEmpty());
  EXPECT_THAT(eab_criteria({}).all, IsEmpty());
}

} // namespace
} // namespace peakbench::report
