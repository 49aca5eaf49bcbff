#include "cluster/sharing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <stdexcept>

#include "cluster/work_source.h"

namespace peakbench::cluster {
namespace {

std::vector<double> loads(std::span<const WorkItem> items, const std::vector<int>& rank_of,
                          int ranks) {
  std::vector<double> load(static_cast<std::size_t>(ranks), 0.0);
  for (std::size_t i = 0; i < items.size(); ++i)
    load.at(static_cast<std::size_t>(rank_of[i])) += items[i].cost;
  return load;
}

std::vector<WorkItem> random_items(std::mt19937& random, std::size_t count, int groups) {
  std::uniform_real_distribution<double> cost(0.1, 10);
  std::vector<WorkItem> items;
  for (std::size_t i = 0; i < count; ++i) {
    const auto group = static_cast<int>(random() % static_cast<unsigned>(groups + 1));
    items.push_back({cost(random), group == 0 ? "" : "group" + std::to_string(group)});
  }
  return items;
}

TEST(Sharing, GivesEveryItemToOneExistingRank) {
  std::mt19937 random(1);
  for (int ranks = 1; ranks <= 9; ++ranks) {
    const auto items = random_items(random, 40, 5);
    const std::vector<int> rank_of = share_statically(items, ranks);
    ASSERT_EQ(rank_of.size(), items.size());
    for (const int rank : rank_of) {
      EXPECT_GE(rank, 0);
      EXPECT_LT(rank, ranks);
    }
  }
}

TEST(Sharing, IsBalanced) {
  std::mt19937 random(2);
  for (int trial = 0; trial < 50; ++trial) {
    const int ranks = 2 + trial % 7;
    const auto items = random_items(random, 60, 8);
    const std::vector<double> load = loads(items, share_statically(items, ranks), ranks);
    const double fair = std::accumulate(load.begin(), load.end(), 0.0) / ranks;
    double largest = 0;
    for (const WorkItem& item : items)
      largest = std::max(largest, item.cost);
    EXPECT_LE(*std::max_element(load.begin(), load.end()), 1.34 * std::max(fair, largest)) << ranks;
  }
}

TEST(Sharing, DealingInTurnWouldFailTheBalanceCheck) {
  // Negative control: expensive and cheap items alternate, so dealing them out in turn is
  // unbalanced.
  std::vector<WorkItem> items;
  for (int i = 0; i < 20; ++i)
    items.push_back({i % 2 ? 1.0 : 9.0, ""});
  std::vector<int> in_turn;
  for (int i = 0; i < 20; ++i)
    in_turn.push_back(i % 2);
  const std::vector<double> naive = loads(items, in_turn, 2),
                            ours = loads(items, share_statically(items, 2), 2);
  EXPECT_GT(*std::max_element(naive.begin(), naive.end()), 1.34 * 50);
  EXPECT_DOUBLE_EQ(*std::max_element(ours.begin(), ours.end()), 50);
}

TEST(Sharing, KeepsGroupsTogetherWhereTheyFit) {
  std::vector<WorkItem> items;
  for (int i = 0; i < 24; ++i)
    items.push_back({1, "prompt" + std::to_string(i % 6)});
  const std::vector<int> rank_of = share_statically(items, 3);
  std::map<std::string, std::set<int>> ranks_of_group;
  for (std::size_t i = 0; i < items.size(); ++i)
    ranks_of_group[items[i].group].insert(rank_of[i]);
  for (const auto& [group, ranks] : ranks_of_group)
    EXPECT_EQ(ranks.size(), 1u) << group;
}

TEST(Sharing, SplitsAGroupThatOneRankCannotCarry) {
  const std::vector<WorkItem> items(16, {1, "one"});
  const std::vector<double> load = loads(items, share_statically(items, 4), 4);
  for (const double one : load)
    EXPECT_DOUBLE_EQ(one, 4);
}

TEST(Sharing, IsDeterministic) {
  std::mt19937 random(3);
  const auto items = random_items(random, 100, 7);
  EXPECT_EQ(share_statically(items, 5), share_statically(items, 5));
}

TEST(Sharing, ManagesLessWorkThanRanks) {
  const std::vector<WorkItem> items(2, {3, ""});
  const std::vector<double> load = loads(items, share_statically(items, 4), 4);
  EXPECT_EQ(std::count(load.begin(), load.end(), 3.0), 2);
  EXPECT_TRUE(share_statically({}, 4).empty());
}

TEST(Sharing, ZeroCostsAreNotLost) {
  const std::vector<WorkItem> items(5, {0, "free"});
  EXPECT_EQ(share_statically(items, 2).size(), 5u);
}

TEST(Sharing, NeedsARank) { EXPECT_THROW(share_statically({}, 0), std::invalid_argument); }

TEST(ChooseShare, IsDynamicWhereEveryRankHasSeveralItems) {
  EXPECT_EQ(choose_share("auto", 1000, 1), "static") << "nothing to share";
  EXPECT_EQ(choose_share("auto", 5, 4), "static") << "too few to even out";
  EXPECT_EQ(choose_share("auto", 100, 4), "dynamic");
  EXPECT_EQ(choose_share("dynamic", 1, 1), "dynamic") << "as it was asked for";
  EXPECT_EQ(choose_share("static", 1000, 8), "static");
}

} // namespace
} // namespace peakbench::cluster
