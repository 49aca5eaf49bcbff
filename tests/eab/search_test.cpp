#include "eab/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace peakbench::eab {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t kMany = 1000; // tokens of non-zero probability

Settings settings(Budget budget, std::int64_t max_paths = 20, std::int64_t branch_factor = 3) {
  Settings s;
  s.budget = budget;
  s.max_paths = max_paths;
  s.branch_factor = branch_factor;
  s.threshold = 0.5;
  return s;
}

// Tokens that each of `active` paths draws when all are as uncertain as can be.
std::vector<std::int64_t> drawn(const Settings& s, std::int64_t active, std::int64_t completed) {
  BranchRule rule(s);
  rule.begin_step(0, active, completed);
  std::vector<std::int64_t> tokens;
  for (std::int64_t i = 0; i < active; ++i)
    tokens.push_back(rule.decide(1.0, kMany).tokens);
  return tokens;
}

TEST(BranchRule, PublishedBudgetByHand) {
  // r = 20 - active, the same for all paths of a step.
  EXPECT_THAT(drawn(settings(Budget::published), 1, 0), ElementsAre(3));
  EXPECT_THAT(drawn(settings(Budget::published), 3, 0), ElementsAre(3, 3, 3));
  EXPECT_EQ(drawn(settings(Budget::published), 17, 0).front(), 3) << "r = 3";
  EXPECT_EQ(drawn(settings(Budget::published), 18, 0).back(), 2) << "r = 2";
  EXPECT_EQ(drawn(settings(Budget::published), 19, 0).front(), 1) << "r = 1: a single child";
  EXPECT_EQ(drawn(settings(Budget::published), 20, 0).back(), 2) << "r = 0: pruning follows";
  EXPECT_EQ(drawn(settings(Budget::published), 18, 2).front(), 2) << "completed paths do not count";
}

TEST(BranchRule, StrictBudgetByHand) {
  // r = 20 - active - completed - added in this step.
  EXPECT_THAT(drawn(settings(Budget::strict), 1, 0), ElementsAre(3));
  // r: 17, 15, 13
  EXPECT_THAT(drawn(settings(Budget::strict), 3, 0), ElementsAre(3, 3, 3));
  // max_paths 6: r = 3, then 1, then 1
  EXPECT_THAT(drawn(settings(Budget::strict, 6), 3, 0), ElementsAre(3, 1, 1));
  // max_paths 7: r = 4, 2, 1
  EXPECT_THAT(drawn(settings(Budget::strict, 7), 3, 0), ElementsAre(3, 2, 1));
  EXPECT_THAT(drawn(settings(Budget::strict, 7), 3, 1), ElementsAre(3, 1, 1)) << "one completed";
  EXPECT_THAT(drawn(settings(Budget::strict, 7), 3, 4), ElementsAre(1, 1, 1));
}

TEST(BranchRule, BranchesFromTheThresholdOn) {
  BranchRule rule(settings(Budget::strict));
  rule.begin_step(0, 1, 0);
  const Decision below = rule.decide(std::nextafter(0.5, 0), kMany);
  EXPECT_EQ(below.tokens, 1);
  EXPECT_NEAR(below.gap, 0, 1e-12);
  const Decision at = rule.decide(0.5, kMany);
  EXPECT_EQ(at.tokens, 3);
  EXPECT_EQ(at.gap, 0);
  EXPECT_DOUBLE_EQ(rule.decide(0.75, kMany).gap, 0.25);
  EXPECT_DOUBLE_EQ(rule.decide(0.1, kMany).gap, 0.4);
}

TEST(BranchRule, GapIsInfiniteWhereEntropyCouldNotMatter) {
  BranchRule rule(settings(Budget::strict, 2));
  rule.begin_step(0, 1, 1);
  EXPECT_EQ(rule.decide(0.5, kMany).gap, kInfinity);
}

TEST(BranchRule, NeverMoreChildrenThanPossibleTokens) {
  BranchRule rule(settings(Budget::published));
  rule.begin_step(0, 1, 0);
  EXPECT_EQ(rule.decide(1.0, 2).tokens, 2);
  EXPECT_EQ(rule.decide(1.0, 1).tokens, 1);
}

TEST(BranchRule, ScheduleInsteadOfEntropy) {
  Settings s = settings(Budget::strict);
  s.schedule = {3, 1, 2};
  BranchRule rule(s);
  std::vector<std::int64_t> tokens;
  for (std::int64_t position = 0; position < 5; ++position) {
    rule.begin_step(position, 1, 0);
    const Decision decision = rule.decide(0.0, kMany);
    tokens.push_back(decision.tokens);
    EXPECT_EQ(decision.gap, kInfinity);
  }
  EXPECT_THAT(tokens, ElementsAre(3, 1, 2, 1, 1));
  // The budget holds here too.
  s.schedule = {30};
  BranchRule wide(s);
  wide.begin_step(0, 1, 0);
  EXPECT_EQ(wide.decide(0.0, kMany).tokens, 19);
}

// A search on scripted entropies: in the strict budget active and completed paths together never
// exceed max_paths, in the published one active paths do not after pruning (but samples may).
TEST(BranchRule, BoundsHoldOverRandomSearches) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  bool published_exceeds = false;
  for (const Budget budget : {Budget::strict, Budget::published})
    for (int run = 0; run < 300; ++run) {
      Settings s = settings(budget, 1 + run % 23, 1 + run % 6);
      s.threshold = run % 3 == 0 ? 0 : 0.4;
      BranchRule rule(s);
      std::int64_t active = 1;
      std::int64_t completed = 0;
      for (std::int64_t position = 0; position < 30 && active > 0; ++position) {
        rule.begin_step(position, active, completed);
        std::int64_t next = 0;
        for (std::int64_t path = 0; path < active; ++path)
          for (std::int64_t child = rule.decide(uniform(generator), kMany).tokens; child > 0;
               --child) {
            const bool ends = uniform(generator) < 0.1;
            completed += ends ? 1 : 0;
            next += ends ? 0 : 1;
          }
        if (budget == Budget::strict) {
          ASSERT_LE(next + completed, s.max_paths);
        }
        active = std::min(next, s.max_paths);
      }
      published_exceeds =
          published_exceeds || (budget == Budget::published && active + completed > s.max_paths);
    }
  EXPECT_TRUE(published_exceeds) << "the check can fail";
}

TEST(Prune, KeepsTheBestInTheirOrder) {
  const std::vector<double> log_probs = {-3, -1, -2, -5, -1.5};
  const Survivors survivors = prune(log_probs, 3, 0);
  EXPECT_THAT(survivors.kept, ElementsAre(1, 2, 4));
  EXPECT_EQ(survivors.least_kept, 2);
  EXPECT_EQ(survivors.greatest_dropped, 0);
  EXPECT_DOUBLE_EQ(survivors.gap, 1);
}

TEST(Prune, OfEqualsTheEarlierStays) {
  const Survivors survivors = prune(std::vector<double>{-2, -1, -2, -2}, 2, 0);
  EXPECT_THAT(survivors.kept, ElementsAre(0, 1));
  EXPECT_EQ(survivors.gap, 0);
}

TEST(Prune, LeavesFewPathsAlone) {
  const Survivors survivors = prune(std::vector<double>{-1e4, -2e4}, 2, 0);
  EXPECT_THAT(survivors.kept, ElementsAre(0, 1));
  EXPECT_EQ(survivors.gap, kInfinity);
  EXPECT_THAT(prune(std::vector<double>{}, 5, 0.5).kept, IsEmpty());
}

TEST(Prune, ImprobablePathsGoButOne) {
  const std::vector<double> log_probs = {std::log(0.01), std::log(0.2), std::log(0.05)};
  EXPECT_THAT(prune(log_probs, 20, 0.05).kept, ElementsAre(1, 2));
  EXPECT_THAT(prune(log_probs, 20, 0.9).kept, ElementsAre(1));
  EXPECT_THAT(prune(log_probs, 1, 0.02).kept, ElementsAre(1));
}

TEST(ByLogProb, IsStableAndDescending) {
  EXPECT_THAT(by_log_prob(std::vector<double>{-2, -1, -2, 0}), ElementsAre(3, 1, 0, 2));
}

} // namespace
} // namespace peakbench::eab
