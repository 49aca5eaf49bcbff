// The arms that draw independent samples: the same samples, whichever way they are computed.
#include <gtest/gtest.h>

#include <set>

#include "eab/generation.h"
#include "eab/stories.h"
#include "support/support.h"

namespace peakbench::eab {
namespace {

using testing::LoadedModel;
using testing::stories_file;
using testing::story_prompts;

Settings settings(Arm arm, std::int64_t samples) {
  Settings s;
  s.arm = arm;
  s.decode = arm == Arm::naive ? Decode::per_path : Decode::batched;
  s.max_new_tokens = 25;
  s.samples = samples;
  return s;
}

TEST(Independent, AllArmsDrawTheSameSamples) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const std::int32_t period = loaded.encode("He sat.").back();
  for (const std::string& prompt : story_prompts()) {
    const Generation reference = loaded.run(prompt, settings(Arm::naive, 8), {period});
    ASSERT_EQ(reference.trace.samples.size(), 8U);
    for (const Arm arm : {Arm::naive_batched, Arm::prefill_once}) {
      const Generation other = loaded.run(prompt, settings(arm, 8), {period});
      const TreeComparison comparison = compare_trees(other.trace, reference.trace);
      EXPECT_TRUE(comparison.same)
          << name_of(arm) << " at " << comparison.position << ", gap " << comparison.gap;
    }
    Settings other_seed = settings(Arm::naive, 8);
    other_seed.seed = 43;
    EXPECT_FALSE(
        compare_trees(loaded.run(prompt, other_seed, {period}).trace, reference.trace).same);
  }
}

// A sample does not depend on how many are drawn beside it.
TEST(Independent, FewerSamplesAreTheFirstOnes) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const auto texts = [&](std::int64_t samples) {
    std::multiset<std::string> all;
    for (const Sample& sample :
         loaded.run(story_prompts()[0], settings(Arm::naive_batched, samples)).trace.samples)
      all.insert(sample.text);
    return all;
  };
  const std::multiset<std::string> few = texts(3);
  const std::multiset<std::string> many = texts(9);
  EXPECT_EQ(few.size(), 3U);
  EXPECT_EQ(many.size(), 9U);
  for (const std::string& text : few)
    EXPECT_TRUE(many.contains(text));
}

TEST(Independent, PrefillOnceCopiesThePromptToAllRowsButOne) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const auto prompt = static_cast<std::int64_t>(loaded.encode(story_prompts()[1]).size());
  const std::int64_t bytes = loaded.model.config().kv_bytes_per_token(4);
  const Generation once = loaded.run(story_prompts()[1], settings(Arm::prefill_once, 5), {-1});
  EXPECT_EQ(once.kv.forks, 4);
  EXPECT_EQ(once.kv.copied_bytes, 4 * prompt * bytes);
  EXPECT_EQ(once.kv.peak.logical_bytes, 5 * (prompt + 24) * bytes);
  const Generation batched = loaded.run(story_prompts()[1], settings(Arm::naive_batched, 5), {-1});
  EXPECT_EQ(batched.kv.copied_bytes, 0);
  EXPECT_EQ(batched.kv.peak.logical_bytes, 5 * (prompt + 24) * bytes);
  const Generation naive = loaded.run(story_prompts()[1], settings(Arm::naive, 5), {-1});
  EXPECT_EQ(naive.kv.peak.logical_bytes, (prompt + 24) * bytes) << "one sample at a time";
}

} // namespace
} // namespace peakbench::eab
