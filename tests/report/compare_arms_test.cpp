#include "report/compare_arms.h"

#include <gmock/gmock.h>

#include <cmath>

#include "report/examples.h"

namespace peakbench::report {
namespace {

using results::RunData;
using ::testing::HasSubstr;

// A single repeat.
void add_case(RunData& run, const std::string& arm, std::int64_t depth, double seconds) {
  run.ep.push_back(testing::ep_case(arm, depth, seconds, 1000));
  run.ep_repeats.push_back({run.ep.back().case_id, 0, seconds, 1, 1, 1});
}

CompareOptions failing(double percent) {
  CompareOptions options;
  options.regression_percent = percent;
  return options;
}

// What no case alone can tell, all of them together do: a single repeat of each of 20 cases.
TEST(CompareArms, ManyCasesOfAnArmTellWhatOneCannot) {
  const auto run_with = [](double scale, double other) {
    RunData run;
    for (std::int64_t depth = 1; depth <= 20; ++depth)
      add_case(run, "backprop", depth, depth % 7 == 0 ? other : scale);
    return run;
  };
  // Two of twenty are faster, eighteen are slower by 20 %.
  const Comparison comparison = compare(run_with(1, 1), run_with(1.2, 0.95), failing(10));
  EXPECT_EQ(comparison.count(TimeVerdict::cannot_tell), 20u);
  const ArmComparison& arm = comparison.kinds[0].arms[0];
  EXPECT_EQ(arm.longer, 18u);
  EXPECT_EQ(arm.shorter, 2u);
  EXPECT_NEAR(arm.adjusted_p, 2 * (1 + 20 + 190) / 1048576.0, 1e-12);
  EXPECT_TRUE(std::isnan(arm.time.lower));
  EXPECT_EQ(arm.verdict, TimeVerdict::slower);
  EXPECT_THAT(arm.regression, HasSubstr("slower by 17.2"));
  EXPECT_EQ(comparison.regressions(), 1u);
  EXPECT_EQ(compare(run_with(1, 1), run_with(1.2, 0.95), failing(20)).regressions(), 0u);
  // As many slower as faster ones: nothing is told.
  RunData mixed = run_with(1.2, 1.2);
  for (std::size_t i = 0; i < 10; ++i)
    mixed.ep_repeats[i].seconds = 0.8;
  EXPECT_EQ(compare(run_with(1, 1), mixed, failing(1)).kinds[0].arms[0].verdict,
            TimeVerdict::cannot_tell);
}

// Arms of a few cases each: six that all take longer have a p of 1/32, times Holm's factor.
TEST(CompareArms, AllArmsTogetherTellWhatNoneTells) {
  const std::vector<std::string> names{"backprop", "ep_analytic", "ep_fused", "ep_sweep"};
  const auto run_with = [&](double scale, double scale_of_last) {
    RunData run;
    for (const std::string& arm : names)
      for (std::int64_t depth = 1; depth <= 6; ++depth)
        add_case(run, arm, depth, arm == names.back() ? scale_of_last : scale);
    return run;
  };
  const auto arms_of = [&](double scale, double scale_of_last) {
    return compare(run_with(1, 1), run_with(scale, scale_of_last), failing(10)).kinds[0].arms;
  };
  const std::vector<ArmComparison> slower = arms_of(1.5, 1.5);
  ASSERT_EQ(slower.size(), names.size() + 1);
  for (std::size_t i = 0; i < names.size(); ++i)
    EXPECT_EQ(slower[i].verdict, TimeVerdict::cannot_tell) << slower[i].arm;
  const ArmComparison& all = slower.back();
  EXPECT_EQ(all.arm, kAllArms);
  EXPECT_EQ(all.cases, 24u);
  EXPECT_EQ(all.longer, 24u);
  EXPECT_NEAR(all.adjusted_p, 5 * 2 / 16777216.0, 1e-15); // the least of five p
  EXPECT_EQ(all.verdict, TimeVerdict::slower);
  EXPECT_THAT(all.regression, HasSubstr("slower by 50.00 %, all cases together"));
  // Eighteen of twenty-four, p = 0.023 times 5; and slower, but by less than was asked for.
  EXPECT_EQ(arms_of(1.5, 0.9).back().verdict, TimeVerdict::cannot_tell);
  EXPECT_EQ(arms_of(1.05, 1.05).back().verdict, TimeVerdict::slower);
  EXPECT_EQ(arms_of(1.05, 1.05).back().regression, "");
}

// What an arm tells is not told again.
TEST(CompareArms, ARegressionOfAnArmIsNotOneOfAllArmsToo) {
  const auto run_with = [](double scale) {
    RunData run;
    for (std::int64_t depth = 1; depth <= 21; ++depth)
      add_case(run, depth == 21 ? "ep_fused" : "backprop", depth, scale);
    return run;
  };
  const Comparison comparison = compare(run_with(1), run_with(2), failing(10));
  EXPECT_EQ(comparison.kinds[0].arms.back().verdict, TimeVerdict::slower);
  EXPECT_EQ(comparison.regressions(), 1u);
}

} // namespace
} // namespace peakbench::report
