// Several prompts decoded together: each one's tree is the one it has alone.
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hash.h"
#include "eab/generation.h"
#include "eab/stories.h"
#include "support/support.h"

namespace peakbench::eab {
namespace {

using testing::LoadedModel;
using testing::stories_file;
using testing::story_prompts;

Settings settings(Arm arm) {
  Settings s;
  s.arm = arm;
  s.max_new_tokens = 20;
  s.max_paths = 10;
  s.budget = Budget::published;
  s.samples = 5;
  return s;
}

class Joint : public ::testing::TestWithParam<Arm> {};

TEST_P(Joint, EachTreeIsTheOneThatThePromptHasAlone) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const std::vector<std::int32_t> end{loaded.encode("He sat.").back()};
  const Settings s = settings(GetParam());
  std::vector<std::vector<std::int32_t>> tokens;
  std::vector<Prompt> prompts;
  for (const std::string& text : story_prompts())
    tokens.push_back(loaded.encode(text));
  for (std::size_t i = 0; i < tokens.size(); ++i)
    prompts.push_back({tokens[i], hash64(story_prompts()[i])});
  const JointGeneration joint = generate(loaded.model, nullptr, end, prompts, s, Deadline());
  ASSERT_EQ(joint.traces.size(), prompts.size());

  Counters sum;
  std::int64_t bound = 0, steps = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const Generation alone = loaded.run(story_prompts()[i], s, end);
    const TreeComparison comparison = compare_trees(joint.traces[i], alone.trace);
    EXPECT_TRUE(comparison.same) << i << " at " << comparison.position << ", " << comparison.gap;
    ASSERT_EQ(joint.traces[i].samples.size(), alone.trace.samples.size());
    for (std::size_t n = 0; n < alone.trace.samples.size(); ++n)
      EXPECT_NEAR(joint.traces[i].samples[n].log_prob, alone.trace.samples[n].log_prob, 1e-3);
    sum.samples += alone.counters.samples;
    sum.branches += alone.counters.branches;
    sum.decode_forwards += alone.counters.decode_forwards;
    sum.prefill_tokens += alone.counters.prefill_tokens;
    sum.emitted_tokens += alone.counters.emitted_tokens;
    sum.published_token_steps += alone.counters.published_token_steps;
    bound += alone.kv.peak.bound_bytes;
    steps = std::max(steps, alone.counters.decode_forwards);
    const std::size_t other = (i + 1) % prompts.size();
    EXPECT_FALSE(compare_trees(joint.traces[other], alone.trace).same) << "the check can fail";
  }
  EXPECT_EQ(joint.counters.samples, sum.samples);
  EXPECT_EQ(joint.counters.branches, sum.branches);
  EXPECT_EQ(joint.counters.decode_forwards, sum.decode_forwards);
  EXPECT_EQ(joint.counters.prefill_tokens, sum.prefill_tokens);
  EXPECT_EQ(joint.counters.emitted_tokens, sum.emitted_tokens);
  EXPECT_EQ(joint.counters.published_token_steps, sum.published_token_steps);
  EXPECT_LE(joint.kv.peak.bound_bytes, bound) << "trees have their peaks at different times";
  EXPECT_EQ(joint.kv.now.logical_bytes, 0);
  EXPECT_EQ(joint.kv.now.bound_bytes, 0);
}

INSTANTIATE_TEST_SUITE_P(Arms, Joint,
                         ::testing::Values(Arm::naive_batched, Arm::prefill_once, Arm::original,
                                           Arm::cow),
                         [](const auto& arm) { return std::string(name_of(arm.param)); });

TEST(JointGeneration, SampleCountsMayDiffer) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const auto one = loaded.encode("Once upon a time"), two = loaded.encode("The cat");
  const std::vector<Prompt> prompts{{one, 1, 3}, {two, 2, 7}};
  const JointGeneration joint =
      generate(loaded.model, nullptr, {}, prompts, settings(Arm::naive_batched), Deadline());
  EXPECT_EQ(joint.traces[0].samples.size(), 3U);
  EXPECT_EQ(joint.traces[1].samples.size(), 7U);
}

TEST(JointGeneration, PathByPathIsForOnePrompt) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const auto tokens = loaded.encode("Once");
  const std::vector<Prompt> prompts{{tokens, 1}, {tokens, 2}};
  Settings s = settings(Arm::cow);
  s.decode = Decode::per_path;
  EXPECT_THROW(generate(loaded.model, nullptr, {}, prompts, s, Deadline()), UserError);
}

} // namespace
} // namespace peakbench::eab
