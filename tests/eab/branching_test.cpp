// original and cow: one token tree, whichever store and whichever way of decoding.
#include <gtest/gtest.h>

#include <set>

#include "base/hash.h"
#include "eab/generation.h"
#include "eab/random.h"
#include "eab/stories.h"
#include "eab/trace.h"
#include "measure/memory.h"
#include "support/support.h"

namespace peakbench::eab {
namespace {

using testing::LoadedModel;
using testing::long_prompt;
using testing::stories_file;
using testing::story_prompts;

struct Way {
  const char* name;
  double threshold, temperature;
  std::int64_t branch_factor, max_paths, top_k;
  double top_p, min_prob;
  Budget budget;
};

Settings settings(const Way& way, Arm arm, Decode decode, std::uint64_t seed) {
  Settings s;
  s.arm = arm;
  s.decode = decode;
  s.max_new_tokens = 20;
  s.threshold = way.threshold;
  s.temperature = way.temperature;
  s.branch_factor = way.branch_factor;
  s.max_paths = way.max_paths;
  s.top_k = way.top_k;
  s.top_p = way.top_p;
  s.min_prob = way.min_prob;
  s.budget = way.budget;
  s.seed = seed;
  return s;
}

class OneTree : public ::testing::TestWithParam<Way> {};

TEST_P(OneTree, ForBothStoresAndBothWaysOfDecoding) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const std::int32_t period = loaded.encode("He sat.").back();
  std::int64_t branches = 0;
  for (const std::string& prompt : story_prompts())
    for (const std::uint64_t seed : {1, 2}) {
      const auto run = [&](Arm arm, Decode decode) {
        return loaded.run(prompt, settings(GetParam(), arm, decode, seed), {period});
      };
      const Generation reference = run(Arm::original, Decode::per_path);
      branches += reference.counters.branches;
      for (const Arm arm : {Arm::original, Arm::cow})
        for (const Decode decode : {Decode::per_path, Decode::batched}) {
          const Generation other = run(arm, decode);
          const TreeComparison comparison = compare_trees(other.trace, reference.trace);
          EXPECT_TRUE(comparison.same) << name_of(arm) << ' ' << name_of(decode) << " at "
                                       << comparison.position << ", gap " << comparison.gap;
          ASSERT_EQ(other.trace.samples.size(), reference.trace.samples.size());
          for (std::size_t i = 0; i < other.trace.samples.size(); ++i)
            EXPECT_EQ(other.trace.samples[i].text, reference.trace.samples[i].text);
          EXPECT_EQ(other.counters.decode_forwards, reference.counters.decode_forwards);
        }
      // Negative control: random numbers of another seed, or keyed by another prompt, make another
      // tree, and it shows where.
      const Settings base = settings(GetParam(), Arm::cow, Decode::batched, seed);
      Settings reseeded = base;
      reseeded.seed += 100;
      const Generation other_seed = loaded.run(prompt, reseeded, {period});
      const Generation other_key = generate(loaded.model, nullptr, std::vector{period},
                                            loaded.encode(prompt), 12345, base, Deadline());
      for (const Generation* other : {&other_seed, &other_key}) {
        const TreeComparison comparison = compare_trees(other->trace, reference.trace);
        EXPECT_FALSE(comparison.same);
        EXPECT_GE(comparison.position, 0);
      }
    }
  EXPECT_GT(branches, 10);
}

INSTANTIATE_TEST_SUITE_P(
    Ways, OneTree,
    ::testing::Values(Way{"quick", 0.2, 0.8, 3, 20, 0, 1, 0, Budget::strict},
                      Way{"published", 0.2, 0.8, 3, 20, 0, 1, 0, Budget::published},
                      Way{"crowded", 0, 1.0, 5, 6, 0, 1, 0, Budget::published},
                      Way{"filtered", 0.1, 1.3, 3, 10, 40, 0.9, 0, Budget::strict},
                      Way{"improbable", 0.1, 1.0, 2, 10, 0, 1, 1e-4, Budget::published}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Branching, DoesNotDependOnWhatRanBefore) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const Way way{"", 0.2, 0.8, 3, 20, 0, 1, 0, Budget::strict};
  const Settings s = settings(way, Arm::cow, Decode::batched, 7);
  std::vector<Generation> forward;
  std::vector<Generation> backward;
  const auto& prompts = story_prompts();
  for (std::size_t i = 0; i < prompts.size(); ++i)
    forward.push_back(loaded.run(prompts[i], s));
  for (std::size_t i = prompts.size(); i-- > 0;)
    backward.push_back(loaded.run(prompts[i], s));
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const Generation& other = backward[prompts.size() - 1 - i];
    EXPECT_TRUE(compare_trees(forward[i].trace, other.trace).same);
    for (std::size_t n = 0; n < other.trace.nodes.size(); ++n)
      EXPECT_EQ(forward[i].trace.nodes[n].log_prob, other.trace.nodes[n].log_prob) << "to the bit";
  }
  EXPECT_FALSE(compare_trees(forward[0].trace, forward[1].trace).same);
}

// What the pool must have allocated, told by the tree alone and the rule of its growth: at first as
// much as the prompt needs, later by what is missing, but at least 3 % of what is there.
std::int64_t physical_tokens(const Trace& trace, std::int64_t prompt_tokens) {
  std::vector<std::vector<std::int32_t>> children(trace.nodes.size());
  std::int32_t last = 0;
  for (const Node& node : trace.nodes) {
    if (node.parent >= 0)
      children[static_cast<std::size_t>(node.parent)].push_back(node.node);
    last = std::max(last, node.position);
  }
  std::int64_t pool = prompt_tokens;
  for (std::int32_t position = 0; position < last; ++position) {
    std::set<std::int32_t> live; // fed at this position, and all above
    for (const Node& node : trace.nodes)
      if (node.position == position && !children[static_cast<std::size_t>(node.node)].empty())
        for (std::int32_t n = node.node; n >= 0;
             n = trace.nodes[static_cast<std::size_t>(n)].parent)
          live.insert(n);
    const std::int64_t needed = prompt_tokens + static_cast<std::int64_t>(live.size());
    if (needed > pool)
      pool += std::max(needed - pool, pool * 3 / 100);
  }
  return pool;
}

// What the shared store holds is what the tree needs, by the trace's own account.
TEST(Branching, SharedStoreHoldsTheTreeAndNoMore) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const std::int32_t period = loaded.encode("He sat.").back();
  const std::int64_t bytes = loaded.model.config().kv_bytes_per_token(4);
  const std::string prompt = long_prompt(loaded, 200);
  const auto prompt_tokens = static_cast<std::int64_t>(loaded.encode(prompt).size());
  for (const Budget budget : {Budget::strict, Budget::published})
    for (const std::uint64_t seed : {1, 2, 3}) {
      const Way way{"", 0.2, 0.8, 3, 20, 0, 1, 0, budget};
      Settings s = settings(way, Arm::cow, Decode::batched, seed);
      s.max_new_tokens = 40;
      const Generation cow = loaded.run(prompt, s, {period});
      s.arm = Arm::original;
      const Generation original = loaded.run(prompt, s, {period});
      const std::int64_t needed = (prompt_tokens + peak_live_tokens(cow.trace)) * bytes;
      EXPECT_EQ(cow.kv.peak.bound_bytes, needed);
      EXPECT_EQ(original.kv.peak.bound_bytes, needed);
      EXPECT_EQ(cow.kv.peak.physical_bytes, physical_tokens(cow.trace, prompt_tokens) * bytes);
      EXPECT_LE(static_cast<double>(cow.kv.peak.physical_bytes),
                1.05 * static_cast<double>(needed));
      EXPECT_GT(static_cast<double>(original.kv.peak.physical_bytes),
                1.05 * static_cast<double>(needed))
          << "the check can fail";
      EXPECT_EQ(cow.kv.peak.logical_bytes, original.kv.peak.logical_bytes);
      EXPECT_EQ(cow.kv.copied_bytes, 0);
      EXPECT_GT(original.kv.copied_bytes, prompt_tokens * bytes);
      EXPECT_EQ(cow.kv.forks, original.kv.forks);
    }
}

TEST(Branching, LeavesNoMemoryBehind) {
  measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  for (const Arm arm :
       {Arm::naive, Arm::naive_batched, Arm::prefill_once, Arm::original, Arm::cow}) {
    Settings s;
    s.arm = arm;
    s.decode = arm == Arm::naive ? Decode::per_path : Decode::batched;
    s.max_new_tokens = 10;
    s.samples = 4;
    loaded.run(story_prompts()[0], s);
    const measure::MemoryScope scope(memory);
    const Generation result = loaded.run(story_prompts()[0], s);
    const measure::MemoryReading reading = scope.read();
    EXPECT_EQ(reading.live_bytes, 0) << name_of(arm);
    EXPECT_GT(reading.peak_bytes, 0);
    EXPECT_GT(reading.peak_by_tag[measure::index_of(measure::Tag::kv_cache)], 0);
    EXPECT_EQ(result.kv.now.logical_bytes, 0);
  }
}

} // namespace
} // namespace peakbench::eab
