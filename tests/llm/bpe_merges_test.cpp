#include "llm/bpe_merges.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace peakbench::llm {
namespace {

using Symbols = std::vector<std::int32_t>;

// The definition, quadratic: the lowest rank anywhere, leftmost first (or, for the control,
// rightmost).
Symbols slow(const std::vector<Merge>& merges, Symbols symbols, bool leftmost = true) {
  std::map<std::pair<std::int32_t, std::int32_t>, std::size_t> ranks;
  for (std::size_t i = 0; i < merges.size(); ++i)
    ranks.try_emplace({merges[i].left, merges[i].right}, i);
  while (true) {
    std::size_t best = merges.size(), at = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = ranks.find({symbols[i], symbols[i + 1]});
      if (found == ranks.end())
        continue;
      if (found->second < best || (!leftmost && found->second == best)) {
        best = found->second;
        at = i;
      }
    }
    if (best == merges.size())
      return symbols;
    symbols[at] = merges[best].merged;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

// Pairs of an alphabet of `letters`, and of what they make.
std::vector<Merge> random_merges(std::mt19937& random, int letters, int count) {
  std::vector<Merge> merges;
  for (int i = 0; i < count; ++i) {
    const auto pick = [&] {
      return static_cast<std::int32_t>(random() % static_cast<unsigned>(letters + i));
    };
    merges.push_back({pick(), pick(), letters + i});
  }
  return merges;
}

TEST(MergeTable, EqualsTheDefinitionOnShortAndLongPieces) {
  std::mt19937 random(1);
  int differs_from_rightmost = 0;
  for (int round = 0; round < 400; ++round) {
    const auto merges = random_merges(random, 3, 12);
    Symbols symbols;
    for (std::size_t i = 0, n = random() % 120; i < n; ++i)
      symbols.push_back(static_cast<std::int32_t>(random() % 3));
    Symbols fast = symbols;
    MergeTable(merges).apply(fast);
    ASSERT_EQ(fast, slow(merges, symbols)) << "round " << round;
    differs_from_rightmost += fast != slow(merges, symbols, false);
  }
  EXPECT_GT(differs_from_rightmost, 20); // the comparison can see the order
}

TEST(MergeTable, FirstRankOfARepeatedPairCounts) {
  const std::vector<Merge> merges{{0, 1, 5}, {1, 2, 6}, {0, 1, 7}};
  Symbols symbols{0, 1, 2};
  MergeTable table(merges);
  table.apply(symbols);
  EXPECT_EQ(symbols, (Symbols{5, 2}));
  EXPECT_EQ(table.size(), 2);
}

TEST(MergeTable, NothingToMerge) {
  Symbols empty, one{4}, two{4, 4};
  MergeTable().apply(empty);
  MergeTable().apply(one);
  MergeTable().apply(two);
  EXPECT_EQ(two, (Symbols{4, 4}));
}

TEST(MergeTable, WorkGrowsWithTheTextAndNotWithItsSquare) {
  std::vector<Merge> merges; // doublings: a piece of one letter merges to the end
  for (std::int32_t i = 0; i < 20; ++i)
    merges.push_back({i, i, i + 1});
  const MergeTable table(merges);
  const auto work_of = [&](std::size_t length) {
    Symbols symbols(length, 0);
    MergeWork work;
    table.apply(symbols, &work);
    return work.lookups + work.moves;
  };
  const std::int64_t small = work_of(1 << 14), large = work_of(1 << 18);
  EXPECT_GT(small, 1 << 14);
  EXPECT_LT(large, small * 16 * 5 / 4); // 16 times the text
  EXPECT_LT(large, std::int64_t{8} << 18);
}

} // namespace
} // namespace peakbench::llm
