#include "cluster/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <stdexcept>

#include "virtual_run.h"

namespace peakbench::cluster {
namespace {

using testing::dealt;
using testing::in_turn;
using testing::Policy;
using testing::run_virtually;
using testing::VirtualRanks;
using testing::VirtualRun;
using Verdict = WorkQueue::Verdict;

Policy ours(WorkQueue& queue) {
  return [&](int rank, double now) { return queue.next(rank, now); };
}

std::vector<double> seconds_as_estimated(const std::vector<WorkItem>& items) {
  std::vector<double> seconds;
  for (const WorkItem& item : items)
    seconds.push_back(item.cost);
  return seconds;
}

std::vector<std::size_t> sorted(const VirtualRun& run) {
  std::vector<std::size_t> all;
  for (const auto& items : run.items_of)
    all.insert(all.end(), items.begin(), items.end());
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<std::size_t> numbers_to(std::size_t count) {
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

// Costs as in configs/ep_phase2.yaml: twelve arms, six depths.
std::vector<WorkItem> ep_items() {
  std::vector<WorkItem> items;
  for (const double depth : {10, 50, 100, 200, 500, 1000})
    for (const double layers : {10, 12, 10, 9, 540, 540, 540, 120, 120, 6, 6, 20})
      items.push_back({1.4e-5 * depth * (6 * layers + 540)});
  return items;
}

// As in configs/quick.yaml: the arms on every prompt.
std::vector<WorkItem> eab_items(int models, int prompts) {
  std::vector<WorkItem> items;
  for (int model = 0; model < models; ++model)
    for (int prompt = 0; prompt < prompts; ++prompt)
      for (const double cost : {12.27, 2.05, 12.27, 2.05, 15.4, 5.18, 2.05}) {
        const std::string name = "model" + std::to_string(model);
        items.push_back({cost * (1 + 0.5 * model), name + "/" + std::to_string(prompt), name});
      }
  return items;
}

std::vector<WorkItem> random_items(std::mt19937& random) {
  std::lognormal_distribution<double> cost(0, 1.5);
  const std::size_t count = random() % 60;
  const auto groups = 1 + random() % 12, models = 1 + random() % 4;
  std::vector<WorkItem> items;
  for (std::size_t i = 0; i < count; ++i) {
    const auto group = random() % (groups + 1);
    WorkItem item{random() % 10 == 0 ? 0 : cost(random)};
    if (group > 0) {
      item.model = "m" + std::to_string(group % models);
      item.group = item.model + "/" + std::to_string(group);
    }
    items.push_back(item);
  }
  return items;
}

TEST(WorkQueue, HandsOutEveryItemExactlyOnceWhateverTheDelays) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    const std::vector<WorkItem> items = random_items(random);
    std::vector<double> seconds;
    std::lognormal_distribution<double> takes(-2, 2); // not at all what was estimated
    for (std::size_t i = 0; i < items.size(); ++i)
      seconds.push_back(random() % 5 == 0 ? 0 : takes(random));
    VirtualRanks ranks{std::vector<double>(1 + seed % 8), 0.3};
    for (double& speed : ranks.speeds)
      speed = std::lognormal_distribution<double>(0, 1)(random);
    WorkQueue queue(items, static_cast<int>(ranks.speeds.size()));
    const VirtualRun run = run_virtually(items, seconds, ranks, ours(queue));
    EXPECT_EQ(sorted(run), numbers_to(items.size())) << "seed " << seed;
    EXPECT_EQ(queue.left(), 0u);
  }
}

TEST(WorkQueue, LosesNothingButTheItemOfALostRank) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    std::vector<WorkItem> items = random_items(random);
    items.resize(items.size() + 10);
    const int count = 2 + static_cast<int>(seed % 7);
    WorkQueue queue(items, count);
    const int lost = static_cast<int>(random() % static_cast<unsigned>(count));
    std::size_t had = 0, asked = 0;
    const auto policy = [&](int rank, double now) {
      if (rank == lost && ++asked == 2)
        queue.forget(rank); // it comes back, but nobody counts on it any more
      const WorkQueue::Answer answer = queue.next(rank, now);
      had += rank == lost && answer.verdict == Verdict::item;
      return answer;
    };
    const VirtualRanks ranks{std::vector<double>(static_cast<std::size_t>(count), 1)};
    const VirtualRun run = run_virtually(items, seconds_as_estimated(items), ranks, policy);
    EXPECT_EQ(sorted(run), numbers_to(items.size())) << "seed " << seed;
    EXPECT_LE(had, 1u);
  }
}

TEST(WorkQueue, TheOthersGoOnWithTheGroupOfALostRank) {
  const std::vector<WorkItem> items(6, {1, "g", "m"});
  WorkQueue queue(items, 2);
  EXPECT_EQ(queue.next(0, 0).item, 0u);
  queue.forget(0);
  for (std::size_t i = 1; i < items.size(); ++i)
    EXPECT_EQ(queue.next(1, static_cast<double>(i)).item, i) << "item 0 is not given out again";
  EXPECT_EQ(queue.next(1, 9).verdict, Verdict::none);
  EXPECT_EQ(queue.next(0, 9).verdict, Verdict::none);
}

TEST(WorkQueue, TheLongestComeFirst) {
  std::mt19937 random(5);
  std::vector<WorkItem> items(40);
  for (WorkItem& item : items)
    item.cost = std::uniform_real_distribution<double>(1, 10)(random);
  WorkQueue queue(items, 2);
  const VirtualRun run = run_virtually(items, seconds_as_estimated(items), {{1, 1}}, ours(queue));
  for (const auto& mine : run.items_of)
    for (std::size_t i = 2; i < mine.size(); ++i) // the first shows how fast the rank is
      EXPECT_GE(items[mine[i - 1]].cost, items[mine[i]].cost);
}

TEST(WorkQueue, GroupsStayTogetherAndInOrder) {
  const std::vector<WorkItem> items = eab_items(2, 12);
  WorkQueue queue(items, 3);
  const VirtualRun run =
      run_virtually(items, seconds_as_estimated(items), {{1, 1, 1}}, ours(queue));
  std::map<std::string, std::set<std::size_t>> ranks_of;
  for (std::size_t rank = 0; rank < run.items_of.size(); ++rank) {
    std::map<std::string, std::size_t> last;
    for (const std::size_t item : run.items_of[rank]) {
      const std::string& group = items[item].group;
      ranks_of[group].insert(rank);
      if (last.contains(group)) {
        EXPECT_GT(item, last[group]) << group;
      }
      last[group] = item;
    }
  }
  std::size_t split = 0;
  for (const auto& [group, ranks] : ranks_of)
    split += ranks.size() - 1;
  EXPECT_LE(split, 4u) << "only the last groups are shared";
}

TEST(WorkQueue, ModelsAreLoadedByFewRanks) {
  const std::vector<WorkItem> items = eab_items(4, 24);
  const std::vector<double> seconds = seconds_as_estimated(items);
  for (const int count : {1, 2, 4, 8}) {
    const VirtualRanks ranks{std::vector<double>(static_cast<std::size_t>(count), 1), 1};
    // Every model once, and for every further rank at most two more, towards the end.
    const std::size_t bound = 4 + 2 * (static_cast<std::size_t>(count) - 1);
    WorkQueue queue(items, count);
    EXPECT_LE(run_virtually(items, seconds, ranks, ours(queue)).loads, bound) << count << " ranks";
    // Negative control: the longest to whoever asks.
    if (count == 1)
      continue;
    std::vector<std::size_t> order = numbers_to(items.size());
    std::ranges::stable_sort(order, std::greater<>(), [&](auto i) { return items[i].cost; });
    EXPECT_GT(run_virtually(items, seconds, ranks, in_turn(order)).loads, bound);
  }
}

TEST(WorkQueue, ALastGroupIsSharedWithIdleRanks) {
  const std::vector<WorkItem> items(24, {1, "only", "m"});
  WorkQueue queue(items, 4);
  const VirtualRun run =
      run_virtually(items, seconds_as_estimated(items), {{1, 1, 1, 1}}, ours(queue));
  EXPECT_DOUBLE_EQ(run.seconds, 6);
}

// What the sum of all speeds would take for the work, if it could be cut at will.
double ideal(const std::vector<double>& seconds, const std::vector<double>& speeds) {
  return std::accumulate(seconds.begin(), seconds.end(), 0.0) /
         std::accumulate(speeds.begin(), speeds.end(), 0.0);
}

std::vector<std::vector<WorkItem>> plans() {
  std::vector<WorkItem> quick = eab_items(1, 6);
  const std::vector<WorkItem> ep = ep_items();
  quick.insert(quick.end(), ep.begin(), ep.end());
  return {ep, eab_items(1, 6), eab_items(4, 24), quick};
}

TEST(WorkQueue, OneRankTenTimesSlowerCostsLessThanAQuarter) {
  double worst = 0, worst_dealt = 0, worst_in_turn = 0;
  for (const std::vector<WorkItem>& items : plans())
    for (std::size_t count = 2; count <= 8; ++count)
      for (std::size_t slow = 0; slow < count; ++slow) {
        VirtualRanks ranks{std::vector<double>(count, 1)};
        ranks.speeds[slow] = 0.1;
        const std::vector<double> seconds = seconds_as_estimated(items);
        const auto ratio = [&](const Policy& policy) {
          return run_virtually(items, seconds, ranks, policy).seconds /
                 ideal(seconds, ranks.speeds);
        };
        WorkQueue queue(items, static_cast<int>(count));
        worst = std::max(worst, ratio(ours(queue)));
        worst_dealt =
            std::max(worst_dealt, ratio(dealt(share_statically(items, static_cast<int>(count)))));
        worst_in_turn = std::max(worst_in_turn, ratio(in_turn(numbers_to(items.size()))));
      }
  EXPECT_LE(worst, 1.25);
  // Negative controls: dealt out before the start; to whoever asks, as they come.
  EXPECT_GT(worst_dealt, 1.25);
  EXPECT_GT(worst_in_turn, 1.25);
}

TEST(WorkQueue, EstimatesThatAreWrongInDifferentWaysForDifferentModelsDoNoHarm) {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    const std::vector<WorkItem> items = eab_items(4, 24);
    std::map<std::string, double> bias;
    std::vector<double> seconds;
    for (const WorkItem& item : items) {
      if (!bias.contains(item.model))
        bias[item.model] = std::lognormal_distribution<double>(0, 0.7)(random);
      seconds.push_back(item.cost * bias[item.model] *
                        std::lognormal_distribution<double>(0, 0.2)(random));
    }
    VirtualRanks ranks{std::vector<double>(2 + random() % 7, 1)};
    ranks.speeds[random() % ranks.speeds.size()] = 0.1;
    WorkQueue queue(items, static_cast<int>(ranks.speeds.size()));
    EXPECT_LE(run_virtually(items, seconds, ranks, ours(queue)).seconds,
              1.25 * ideal(seconds, ranks.speeds))
        << round;
  }
}

TEST(WorkQueue, ASlowRankWaitsRatherThanBeginWhatOthersCanDoSooner) {
  const std::vector<WorkItem> items(20, {1});
  WorkQueue queue(items, 2);
  double fast = 0, slow = 0;
  EXPECT_EQ(queue.next(0, 0).verdict, Verdict::item);
  EXPECT_EQ(queue.next(1, 0).verdict, Verdict::item);
  while (queue.left() > 3)
    EXPECT_EQ(queue.next(0, ++fast).verdict, Verdict::item);
  slow = fast + 0.5;
  EXPECT_EQ(queue.next(1, slow).verdict, Verdict::later) << "it needs 16 s, the other one 4";
  EXPECT_EQ(queue.next(1, slow).verdict, Verdict::later) << "asking changes nothing";
  EXPECT_EQ(queue.next(1, slow + 200).verdict, Verdict::item) << "the other one hangs";
  queue.forget(1);
  EXPECT_EQ(queue.next(0, slow + 201).verdict, Verdict::item);
  EXPECT_EQ(queue.next(0, slow + 202).verdict, Verdict::item);
  EXPECT_EQ(queue.next(0, slow + 203).verdict, Verdict::none);
}

TEST(WorkQueue, TheOnlyRankLeftIsNeverToldLater) {
  const std::vector<WorkItem> items(20, {1});
  WorkQueue queue(items, 2);
  queue.next(0, 0);
  queue.next(1, 0);
  for (double now = 1; queue.left() > 1; ++now)
    queue.next(0, now);
  EXPECT_EQ(queue.next(1, 19).verdict, Verdict::later);
  queue.forget(0);
  EXPECT_EQ(queue.next(1, 19).verdict, Verdict::item);
}

TEST(WorkQueue, ClosedMeansNothingMore) {
  const std::vector<WorkItem> items(5, {1});
  WorkQueue queue(items, 2);
  EXPECT_EQ(queue.next(0, 0).verdict, Verdict::item);
  queue.close();
  EXPECT_EQ(queue.next(0, 1).verdict, Verdict::none);
  EXPECT_EQ(queue.next(1, 1).verdict, Verdict::none);
  EXPECT_EQ(WorkQueue({}, 1).next(0, 0).verdict, Verdict::none);
  EXPECT_THROW(WorkQueue({}, 0), std::invalid_argument);
}

} // namespace
} // namespace peakbench::cluster
