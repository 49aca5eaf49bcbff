#include "report/merge.h"

#include <gtest/gtest.h>

#include "report/scaling_examples.h"

namespace peakbench::report {
namespace {

using namespace testing;

TEST(MergeTest, KeepsEveryRowAndNamesDuplicates) {
  results::RunData first = example_run(), second = example_run();
  second.path = "other.h5";
  second.ep.resize(2);
  second.eab.clear();
  second.ep[1].seed = 7;
  second.ep[1].case_id = results::case_id_of(second.ep[1]);
  const std::string twice = second.ep[0].case_id;
  const Merged merged = merge({first, second});
  EXPECT_EQ(merged.run.ep.size(), first.ep.size() + 2);
  EXPECT_EQ(merged.run.eab.size(), first.eab.size());
  ASSERT_EQ(merged.duplicates.size(), 1u);
  ASSERT_EQ(merged.duplicates[0].rows.size(), 1u);
  EXPECT_EQ(merged.duplicates[0].rows[0],
            (std::vector<std::string>{twice, "EP", "2", "run.h5, other.h5"}));
}

TEST(MergeTest, KeepsWhatEpCasesLeftBesideTheirRows) {
  results::RunData first, second;
  first.ep_training = {{"a", 0}, {"a", 10}};
  second.ep_training = {{"b", 0}};
  second.ep_components = {{"b", "settling"}};
  second.ep_operations = {{"b", "no_grad", "relu"}};
  const Merged merged = merge({first, second});
  ASSERT_EQ(merged.run.ep_training.size(), 3u);
  EXPECT_EQ(merged.run.ep_training[2].case_id, "b");
  EXPECT_EQ(merged.run.ep_components.size(), 1u);
  EXPECT_EQ(merged.run.ep_operations.size(), 1u);
}

TEST(MergeTest, KeepsScalingAndRanks) {
  results::RunData first = scaling_run(), second = scaling_run();
  second.path = "other.h5";
  second.scaling.resize(1);
  first.scaling_repeats = {{"a", 0, 1.0}};
  second.scaling_repeats = {{"b", 0, 2.0}};
  first.ranks.resize(2);
  first.ranks[1].launch = 1;
  second.ranks.resize(1);
  const Merged merged = merge({first, second});
  EXPECT_EQ(merged.run.scaling.size(), first.scaling.size() + 1);
  EXPECT_EQ(merged.run.scaling_repeats.size(), 2u);
  ASSERT_EQ(merged.run.ranks.size(), 3u);
  EXPECT_EQ(merged.run.ranks[2].launch, 2) << "another launch than the first file's";
  ASSERT_EQ(merged.duplicates.size(), 1u);
  EXPECT_EQ(merged.duplicates[0].rows[0][1], "scaling");
}

TEST(MergeTest, OneFileIsItself) {
  const Merged merged = merge({example_run()});
  EXPECT_EQ(merged.run.path, "run.h5");
  EXPECT_TRUE(merged.duplicates.empty());
}

} // namespace
} // namespace peakbench::report
