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
