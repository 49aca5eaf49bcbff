#include "llm/slot_pool.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace peakbench::llm {
namespace {

ModelConfig small_config() {
  ModelConfig config;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_width = 8;
  return config;
}

SlotPool small_pool() { return SlotPool(small_config(), at::kFloat, at::kCPU); }

TEST(SlotPool, FirstGrowthIsExactAndLaterOnesAreSmall) {
  SlotPool pool = small_pool();
  std::vector<SlotRun> prompt;
  pool.take(1000, prompt);
  EXPECT_EQ(prompt, (std::vector<SlotRun>{{0, 0, 1000}}));
  EXPECT_EQ(pool.slots(), 1000);
  EXPECT_EQ(pool.bytes_per_slot(), 2 * 2 * 2 * 8 * 4);
  std::vector<SlotRun> more;
  pool.take(1, more);
  EXPECT_EQ(pool.slots(), 1030);
  pool.take(100, more);
  EXPECT_EQ(pool.slots(), 1101);
  EXPECT_EQ(pool.free_slots(), 0);
  EXPECT_EQ(tokens_of(more), 101);
}

TEST(SlotPool, FreedSlotsAreUsedAgainBeforeItGrows) {
  SlotPool pool = small_pool();
  std::vector<SlotRun> first, second, third;
  pool.take(10, first);
  pool.take(10, second);
  pool.release(first);
  EXPECT_EQ(pool.free_slots(), 10);
  pool.take(10, third);
  EXPECT_EQ(third, first);
  EXPECT_EQ(pool.slots(), 20);
}

TEST(SlotPool, ASlotIsFreeWhenItsLastHolderIsGone) {
  SlotPool pool = small_pool();
  std::vector<SlotRun> runs;
  pool.take(8, runs);
  const std::vector<SlotRun> middle{{0, 2, 3}};
  pool.retain(middle);
  pool.release(runs);
  EXPECT_EQ(pool.used_slots(), 3);
  EXPECT_EQ(pool.references(0, 2), 1);
  EXPECT_EQ(pool.references(0, 5), 0);
  pool.release(middle);
  EXPECT_EQ(pool.used_slots(), 0);
  EXPECT_EQ(pool.slots(), 0) << "an empty pool returns its chunks";
}

TEST(SlotPool, KeepsChunksWhileMostOfThePoolIsInUse) {
  SlotPool pool = small_pool();
  std::vector<SlotRun> large, small;
  pool.take(30, large);
  pool.take(10, small);
  pool.release(small);
  EXPECT_EQ(pool.slots(), 40) << "a quarter free: kept for the next fork";
  pool.release(large);
  EXPECT_EQ(pool.slots(), 0);
  pool.take(5, small);
  EXPECT_TRUE(pool.chunks()[static_cast<std::size_t>(small.back().chunk)].defined());
}

// Two ways to get a shared fork wrong, and how each shows.
TEST(SlotPool, WrongForksAreCaught) {
  SlotPool pool = small_pool();
  std::vector<SlotRun> parent, newcomer;
  pool.take(4, parent);
  pool.retain(parent);
  const std::vector<SlotRun> child = parent;
  EXPECT_THROW(pool.check_writable(child), c10::Error)
      << "writes its next token into a shared slot";

  pool.release(child);
  const std::vector<SlotRun> forgotten = parent; // a fork that took no reference
  pool.release(parent);
  pool.take(4, newcomer);
  pool.check_writable(newcomer);
  pool.release(forgotten);
  EXPECT_THROW(pool.check_writable(newcomer), c10::Error) << "its slots were freed by another path";
}

TEST(SlotPool, MisuseIsCaught) {
  SlotPool pool = small_pool();
  std::vector<SlotRun> runs;
  pool.take(4, runs);
  pool.check_writable(runs);
  pool.retain(runs);
  EXPECT_THROW(pool.check_writable(runs), c10::Error) << "two holders";
  pool.release(runs);
  pool.check_writable(runs);
  const std::vector<SlotRun> part{{0, 0, 2}};
  pool.release(part);
  EXPECT_THROW(pool.check_writable(part), c10::Error) << "free";
  EXPECT_THROW(pool.release(part), c10::Error) << "freed twice";
  EXPECT_THROW(pool.retain(part), c10::Error) << "free";
}

} // namespace
} // namespace peakbench::llm
