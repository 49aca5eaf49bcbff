// What `verify` says and how it ends; that each criterion of EAB can fail.
#include "suite/verify_checks.h"

#include <gmock/gmock.h>

namespace peakbench::suite {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(VerifyChecks, AFailureIsSaidAndCounts) {
  Checks checks{{"this", "1", "1", true}, {"that", "1", "2", false}};
  EXPECT_FALSE(all_passed(checks));
  const std::string text = checks_text("cpu", checks);
  EXPECT_THAT(text, HasSubstr("ok     cpu    this: expected 1, measured 1\n"));
  EXPECT_THAT(text, HasSubstr("FAILED cpu    that: expected 1, measured 2\n"));
  checks.pop_back();
  EXPECT_TRUE(all_passed(checks));
}

TEST(VerifyChecks, AControlMustFail) {
  const measure::Check good = control("wrong gradient", "< 1", "7", true);
  EXPECT_TRUE(good.passed);
  EXPECT_THAT(good.measured, HasSubstr("fails as it must"));
  EXPECT_THAT(good.name, StartsWith("control: "));
  const measure::Check bad = control("wrong gradient", "< 1", "0.5", false);
  EXPECT_FALSE(bad.passed);
  EXPECT_THAT(bad.measured, HasSubstr("tells nothing"));
}

TEST(VerifyChecks, WhatWasNotMeasuredDoesNotPass) {
  report::Criterion criterion{{},        "saving", "ep_fused",           "500",
                              ">= 50 %", "60 %",   report::Verdict::pass};
  EXPECT_TRUE(check_of(criterion).passed);
  criterion.verdict = report::Verdict::explained;
  EXPECT_TRUE(check_of(criterion).passed);
  EXPECT_THAT(check_of(criterion).measured, HasSubstr("explained"));
  criterion.verdict = report::Verdict::fail;
  EXPECT_FALSE(check_of(criterion).passed);
  criterion.verdict = report::Verdict::not_measured;
  EXPECT_FALSE(check_of(criterion).passed);
  EXPECT_THAT(check_of(criterion).measured, HasSubstr("not measured"));
}

std::vector<results::EabRow> good_rows() {
  std::vector<results::EabRow> rows;
  for (const std::int64_t seed : {42, 43})
    for (const char* arm : {"original", "cow"})
      for (const char* decode : {"per_path", "batched"}) {
        results::EabRow row;
        const bool cow = arm == std::string("cow");
        row.record.arm = arm;
        row.record.decode = decode;
        row.record.seed = seed;
        row.record.status = "ok";
        row.record.validity = "VALID";
        row.record.branches = 2;
        row.record.samples = 5;
        row.record.tree_matches_reference = 1;
        row.record.kv_bound_bytes = 1000;
        row.record.kv_physical_bytes = cow ? 1040 : 3000;
        row.record.kv_bytes_copied = cow ? 0 : 500;
        row.trace.nodes.resize(2);
        row.trace.nodes[1].token = static_cast<std::int32_t>(seed);
        rows.push_back(row);
      }
  return rows;
}

TEST(JudgeEab, GoodRowsPass) {
  const Checks checks = judge_eab(good_rows());
  EXPECT_TRUE(all_passed(checks)) << checks_text("cpu", checks);
  EXPECT_GE(checks.size(), 15u);
}

struct Spoiled {
  const char* name;
  void (*spoil)(std::vector<results::EabRow>&);
};
class JudgeEabSpoiled : public ::testing::TestWithParam<Spoiled> {};

TEST_P(JudgeEabSpoiled, Fails) {
  auto rows = good_rows();
  GetParam().spoil(rows);
  EXPECT_FALSE(all_passed(judge_eab(rows)));
}

constexpr std::size_t kOriginal = 0, kCowBatched = 3; // with the first seed
INSTANTIATE_TEST_SUITE_P(
    Figures, JudgeEabSpoiled,
    ::testing::Values(
        Spoiled{"status", [](auto& rows) { rows[kCowBatched].record.status = "failed"; }},
        Spoiled{"validity", [](auto& rows) { rows[5].record.validity = "INVALID: why"; }},
        Spoiled{"no_branch", [](auto& rows) { rows[kOriginal].record.branches = 0; }},
        Spoiled{"token", [](auto& rows) { rows[kCowBatched].trace.nodes[1].token = 7; }},
        Spoiled{"branch", [](auto& rows) { rows[kCowBatched].trace.nodes[1].branched = true; }},
        Spoiled{"reference",
                [](auto& rows) { rows[kCowBatched].record.tree_matches_reference = 0; }},
        Spoiled{"kv", [](auto& rows) { rows[kCowBatched].record.kv_physical_bytes = 1051; }},
        Spoiled{"copied", [](auto& rows) { rows[kCowBatched].record.kv_bytes_copied = 1; }},
        // Controls that do not fail.
        Spoiled{"copies_nothing", [](auto& rows) { rows[kOriginal].record.kv_bytes_copied = 0; }},
        Spoiled{"shares", [](auto& rows) { rows[kOriginal].record.kv_physical_bytes = 1045; }},
        Spoiled{"same_with_any_seed",
                [](auto& rows) {
                  for (std::size_t i = 4; i < 8; ++i)
                    rows[i].trace.nodes[1].token = 42;
                }}),
    [](const auto& spoiled) { return std::string(spoiled.param.name); });

} // namespace
} // namespace peakbench::suite
