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
  second.ep[0].step_seconds = 99; // measured again
  const std::string twice = second.ep[0].case_id;
  const Merged merged = merge({first, second});
  EXPECT_EQ(merged.run.ep.size(), first.ep.size() + 2);
  EXPECT_EQ(merged.run.eab.size(), first.eab.size());
  ASSERT_EQ(merged.duplicates.size(), 1u);
  ASSERT_EQ(merged.duplicates[0].rows.size(), 1u);
  EXPECT_EQ(merged.duplicates[0].rows[0],
            (std::vector<std::string>{twice, "EP", "2", "run.h5, other.h5"}));
}

TEST(MergeTest, RowsEqualInEverythingCountOnce) {
  results::RunData first = example_run(), second = example_run();
  second.path = "other.h5";
  const Merged merged = merge({first, second});
  EXPECT_EQ(merged.run.ep.size(), first.ep.size());
  EXPECT_EQ(merged.run.eab.size(), first.eab.size());
  EXPECT_EQ(merged.repeated, static_cast<std::int64_t>(first.ep.size() + first.eab.size()));
  EXPECT_TRUE(merged.duplicates.empty());
  ASSERT_EQ(merged.run.sources.size(), 2u);
  EXPECT_EQ(merged.run.sources[1].path, "other.h5");
  EXPECT_EQ(merged.run.ep[0].source, 0);
}

TEST(MergeTest, NamesAFewOfManyFiles) {
  std::vector<results::RunData> runs(6);
  for (std::size_t number = 0; number < runs.size(); ++number)
    runs[number].path = std::to_string(number) + ".h5";
  EXPECT_EQ(merge(runs).run.path, "0.h5, 1.h5, 2.h5, 3.h5, and 2 more");
}

TEST(MergeTest, KeepsWhatEpCasesLeftBesideTheirRows) {
  results::RunData first, second;
  first.path = "first.h5";
  second.path = "second.h5";
  for (const char* id : {"a", "b"})
    (*id == 'a' ? first : second).ep.emplace_back().case_id = id;
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
  first.scaling_repeats = {{first.scaling[0].case_id, 0, 1.0}};
  second.scaling_repeats = {{second.scaling[0].case_id, 0, 2.0}};
  first.comm.resize(1);
  second.comm.resize(1);
  first.comm[0].case_id = second.comm[0].case_id = "comm";
  second.comm[0].seconds = 2;
  first.comm_repeats = {{"comm", 0, 1.0}};
  second.comm_repeats = {{"comm", 0, 2.0}};
  first.ranks.resize(2);
  first.ranks[1].launch = 1;
  first.ranks[1].seconds = 55;
  second.ranks.resize(1);
  second.ranks[0].seconds = 99;
  const Merged merged = merge({first, second});
  EXPECT_EQ(merged.run.scaling.size(), first.scaling.size() + 1);
  EXPECT_EQ(merged.run.scaling_repeats.size(), 2u);
  ASSERT_EQ(merged.run.ranks.size(), 3u);
  EXPECT_EQ(merged.run.ranks[2].launch, 2) << "another launch than the first file's";
  EXPECT_EQ(merged.run.comm.size(), 2u);
  EXPECT_EQ(merged.run.comm_repeats.size(), 2u);
  ASSERT_EQ(merged.duplicates.size(), 1u);
  EXPECT_EQ(merged.duplicates[0].rows[0][1], "comm");
  EXPECT_EQ(merged.duplicates[0].rows[1][1], "scaling");
}

TEST(MergeTest, OneFileIsItself) {
  const Merged merged = merge({example_run()});
  EXPECT_EQ(merged.run.path, "run.h5");
  EXPECT_TRUE(merged.duplicates.empty());
}

} // namespace
} // namespace peakbench::report
