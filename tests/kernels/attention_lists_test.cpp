#include "kernels/attention_lists.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

#include "kernels/plan_tree.h"
#include "tests/kernels/random_tree.h"

namespace peakbench::kernels {
namespace {

using testing::random_tree;
using testing::RandomTree;
using testing::TreeShape;

using Slots = std::vector<std::pair<std::int32_t, std::int32_t>>; // chunk, slot

// What the kernels read, from the bytes that they get.
struct Read {
  std::vector<Slots> by_path; // in the order of the merges
  std::int64_t tokens = 0;    // in all
  std::vector<AttentionItem> items;
  AttentionHeader header{};
};

template <class X>
std::vector<X> array(const std::vector<std::byte>& bytes, std::int32_t at, std::size_t count) {
  std::vector<X> all(count);
  std::memcpy(all.data(), bytes.data() + at, count * sizeof(X));
  return all;
}

Read read(const AttentionLists& lists, std::int32_t group, std::int32_t paths) {
  const std::vector<ChunkView> chunks(3);
  std::vector<std::byte> bytes(lists.bytes(chunks.size(), paths));
  lists.write(chunks, paths, bytes.data());
  Read result;
  std::memcpy(&result.header, bytes.data(), sizeof(result.header));
  const AttentionHeader& header = result.header;
  result.items =
      array<AttentionItem>(bytes, header.items_at, static_cast<std::size_t>(header.items));
  const auto runs = array<AttentionRun>(bytes, header.runs_at,
                                        static_cast<std::size_t>(header.items_at - header.runs_at) /
                                            sizeof(AttentionRun));
  const auto first =
      array<std::int32_t>(bytes, header.first_merges_at, static_cast<std::size_t>(paths) + 1);
  const auto merges =
      array<std::int32_t>(bytes, header.merges_at, static_cast<std::size_t>(first.back()));
  std::map<std::int32_t, std::pair<std::int32_t, Slots>> rows; // partial row -> query row, tokens
  for (const AttentionItem& item : result.items) {
    Slots slots;
    for (std::int32_t token = item.first_token; token < item.first_token + item.tokens; ++token) {
      std::int32_t run = item.last_run - 1;
      while (runs[static_cast<std::size_t>(run)].start > token)
        --run;
      EXPECT_GE(run, item.first_run);
      const AttentionRun& found = runs[static_cast<std::size_t>(run)];
      slots.emplace_back(found.chunk, found.first + token - found.start);
    }
    result.tokens += item.tokens;
    for (std::int32_t row = 0; row < item.rows; ++row)
      EXPECT_TRUE(rows.emplace(item.partial + row, std::pair(item.first_row + row, slots)).second)
          << "written twice";
  }
  EXPECT_EQ(static_cast<std::int64_t>(rows.size()), lists.partial_rows());
  for (std::int32_t path = 0; path < paths; ++path) {
    Slots all;
    for (std::int32_t i = first[static_cast<std::size_t>(path)];
         i < first[static_cast<std::size_t>(path) + 1]; ++i)
      for (std::int32_t head = 0; head < group; ++head) {
        const auto& [row, slots] = rows.at(merges[static_cast<std::size_t>(i)] + head);
        EXPECT_EQ(row, path * group + head);
        if (head == 0)
          all.insert(all.end(), slots.begin(), slots.end());
      }
    result.by_path.push_back(all);
  }
  return result;
}

Slots slots_of(const TreeAttentionPlan& plan, std::int32_t path) {
  Slots all;
  for (const SlotRun& run : runs_of_path(plan, path))
    for (std::int32_t i = 0; i < run.count; ++i)
      all.emplace_back(run.chunk, run.first + i);
  return all;
}

TEST(AttentionLists, EveryPathReadsItsTokensOnceAndInOrder) {
  std::uint32_t seed = 1;
  for (const TreeShape& shape : testing::tree_shapes()) {
    const RandomTree tree = random_tree(shape, at::kFloat, seed++);
    const auto group = static_cast<std::int32_t>(shape.heads / shape.kv_heads);
    for (const std::int32_t blocks : {1, 264})
      for (const std::int32_t shortest : {0, 32, 10000})
        for (const std::int32_t rows : {16, 64}) {
          const AttentionLists lists(tree.plan, {.group = group,
                                                 .kv_heads = 2,
                                                 .rows = rows,
                                                 .blocks = blocks,
                                                 .shortest = shortest,
                                                 .least_tiles = 1});
          const Read seen = read(lists, group, tree.plan.paths + 3);
          for (std::int32_t path = 0; path < tree.plan.paths; ++path)
            ASSERT_EQ(seen.by_path[static_cast<std::size_t>(path)], slots_of(tree.plan, path))
                << "shape " << seed - 2 << ", path " << path;
          EXPECT_TRUE(seen.by_path.back().empty()) << "padding";
          EXPECT_EQ(seen.header.paths, tree.plan.paths + 3);
          for (const AttentionItem& item : seen.items) {
            EXPECT_LE(item.rows, rows);
            EXPECT_EQ(item.first_token % kTileTokens, 0);
            EXPECT_GT(item.tokens, 0);
          }
        }
  }
  // Negative control: the same of another tree.
  const RandomTree one = random_tree({}, at::kFloat, 1), other = random_tree({}, at::kFloat, 2);
  const Read seen = read(AttentionLists(one.plan, {.group = 3}), 3, 3);
  EXPECT_NE(seen.by_path[0], slots_of(other.plan, 0));
}

// 12 paths in families of 4 that have 2 tokens of their own in common, as a strict budget grows.
TEST(AttentionLists, ShortSegmentsArePushedDown) {
  const RandomTree tree = random_tree({.paths = 12,
                                       .heads = 9,
                                       .kv_heads = 3,
                                       .shared_tokens = 70,
                                       .own_tokens = 40,
                                       .family = 4,
                                       .family_tokens = 2},
                                      at::kFloat, 5);
  const auto lists = [&](std::int32_t shortest) {
    return read(AttentionLists(tree.plan, {.group = 3, .blocks = 1, .shortest = shortest}), 3, 12);
  };
  EXPECT_EQ(lists(0).items.size(), 1 + 3 + 12U) << "prompt, families, paths";
  EXPECT_EQ(lists(3).items.size(), 1 + 12U);
  EXPECT_EQ(lists(3).tokens - lists(0).tokens, 12 * 2 - 3 * 2) << "read once per path";
  EXPECT_EQ(lists(71).items.size(), 3 + 12U) << "the prompt's tokens are the families' now";
  EXPECT_EQ(lists(73).items.size(), 12U);
}

TEST(AttentionLists, TheWorkIsSplitForTheBlocksOfTheGpu) {
  // 64 paths of 8 heads per kv head: 8 blocks of rows; 4096 tokens are 64 tiles.
  const RandomTree tree = random_tree({.paths = 64,
                                       .heads = 16,
                                       .kv_heads = 2,
                                       .head_width = 8,
                                       .shared_tokens = 4096,
                                       .own_tokens = 50,
                                       .longest_run = 80,
                                       .layers = 1},
                                      at::kFloat, 6);
  const auto most_tokens = [&](std::int32_t blocks) {
    const AttentionLists lists(tree.plan, {.group = 8, .kv_heads = 2, .blocks = blocks});
    EXPECT_TRUE(std::is_sorted(lists.items().begin(), lists.items().end(),
                               [](const auto& a, const auto& b) { return a.tokens > b.tokens; }));
    return lists.items().front().tokens;
  };
  EXPECT_EQ(most_tokens(1), 4096);
  // (64 tiles x 8 + 64) x 2 kv heads over 264 blocks are 5 tiles each.
  EXPECT_EQ(most_tokens(264), 5 * kTileTokens);
  EXPECT_EQ(most_tokens(100000), 2 * kTileTokens) << "the shortest split";
}

TEST(AttentionLists, ManyRowsAreSeveralItems) {
  const RandomTree tree = random_tree({.paths = 2, .heads = 71, .kv_heads = 1}, at::kFloat, 1);
  const Read seen = read(AttentionLists(tree.plan, {.group = 71, .blocks = 1}), 71, 2);
  std::multiset<std::int32_t> rows;
  for (const AttentionItem& item : seen.items)
    rows.insert(item.rows);
  EXPECT_EQ(rows, (std::multiset<std::int32_t>{64, 64, 14, 64, 7, 64, 7}));
}

} // namespace
} // namespace peakbench::kernels
