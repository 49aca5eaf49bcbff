// The point of the exercise, on a real model: what the arms hold at 200 prompt tokens and 20 paths.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <map>

#include "base/hash.h"
#include "eab/stories.h"
#include "measure/memory.h"
#include "support/support.h"

namespace peakbench::eab {
namespace {

using testing::LoadedModel;
using testing::long_prompt;

struct Held {
  std::int64_t peak_bytes = 0;
  Generation generation;
};

Held hold(const LoadedModel& loaded, const std::string& prompt, const Settings& settings) {
  const measure::MemoryScope scope(measure::DeviceMemory::of(at::kCPU));
  Held held;
  held.generation = loaded.run(prompt, settings);
  held.peak_bytes = scope.read().peak_bytes;
  return held;
}

// Keys and values, logits, workspaces: all beyond the weights.
TEST(EabMemory, SharingNeedsThirtyMegabytesWhereCopiesNeedHundreds) {
  PEAKBENCH_NEEDS_SMOLLM2(file);
  const LoadedModel loaded = LoadedModel::open(file, at::kFloat);
  const std::string prompt = long_prompt(loaded, 200);
  Settings s;
  s.budget = Budget::published;
  s.arm = Arm::cow;
  const Held cow = hold(loaded, prompt, s);
  s.arm = Arm::original;
  const Held original = hold(loaded, prompt, s);
  s.samples = static_cast<std::int64_t>(cow.generation.trace.samples.size());
  s.arm = Arm::naive_batched;
  s.max_new_tokens = 2; // its caches are as large after the prefill as they nearly ever are
  const Held batched = hold(loaded, prompt, s);
  s.arm = Arm::naive;
  s.decode = Decode::per_path;
  s.samples = 2;
  const Held naive = hold(loaded, prompt, s);

  EXPECT_GE(s.samples, 2);
  EXPECT_GE(cow.generation.trace.samples.size(), 15U);
  EXPECT_TRUE(compare_trees(original.generation.trace, cow.generation.trace).same);
  EXPECT_LE(cow.peak_bytes, 30'000'000);
  EXPECT_LE(cow.peak_bytes, original.peak_bytes * 15 / 100);
  EXPECT_LT(cow.peak_bytes, batched.peak_bytes);
  EXPECT_GT(naive.peak_bytes, 0);
  EXPECT_LE(static_cast<double>(cow.generation.kv.peak.physical_bytes),
            1.05 * static_cast<double>(cow.generation.kv.peak.bound_bytes));
  EXPECT_EQ(cow.generation.kv.copied_bytes, 0);
}

// The same with branching in the first tokens only, where the prompt alone is shared.
TEST(EabMemory, SharingHoldsLessThanCopiesAndThanRepeatedPrompts) {
  PEAKBENCH_NEEDS_SMOLLM2(file);
  measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  const LoadedModel loaded = LoadedModel::open(file, at::kBFloat16);
  const std::string prompt = long_prompt(loaded, 200);
  std::map<Arm, std::int64_t> peaks;
  Settings s;
  s.threshold = 0; // 19 paths after a few tokens
  s.max_new_tokens = 7;
  Generation cow;
  for (const Arm arm : {Arm::cow, Arm::original, Arm::naive_batched}) {
    s.arm = arm;
    const measure::MemoryScope scope(memory);
    const Generation result = loaded.run(prompt, s);
    peaks[arm] = scope.read().peak_bytes;
    if (arm == Arm::cow)
      cow = result;
    s.samples = static_cast<std::int64_t>(cow.trace.samples.size());
    EXPECT_GE(result.trace.samples.size(), 15U);
    if (branches(arm)) {
      EXPECT_TRUE(compare_trees(result.trace, cow.trace).same);
    }
  }
  EXPECT_LE(static_cast<double>(cow.kv.peak.physical_bytes),
            1.05 * static_cast<double>(cow.kv.peak.bound_bytes));
  // 19 copies of the prompt against one.
  EXPECT_LT(5 * peaks[Arm::cow], peaks[Arm::original]);
  EXPECT_LT(5 * peaks[Arm::cow], peaks[Arm::naive_batched]);
}

} // namespace
} // namespace peakbench::eab
