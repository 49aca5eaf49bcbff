// Properties of whole generations with a real (small) model: what every arm must hold to.
#include "eab/generation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "eab/stories.h"
#include "eab/trace.h"
#include "support/support.h"

namespace peakbench::eab {
namespace {

using testing::LoadedModel;
using testing::stories_file;
using testing::story_prompts;

Settings settings(Arm arm, std::uint64_t seed = 42) {
  Settings s;
  s.arm = arm;
  s.decode = arm == Arm::naive ? Decode::per_path : Decode::batched;
  s.max_new_tokens = 24;
  s.max_paths = 8;
  s.threshold = 0.2;
  s.seed = seed;
  s.samples = 6;
  return s;
}

// The slow way from a row of logits to what a node records: temperature only, float64.
struct Plain {
  double entropy = 0;
  std::vector<double> log_probs;
};
Plain plain(const at::Tensor& logits, double temperature) {
  const auto vocabulary = static_cast<std::size_t>(logits.size(-1));
  const float* row = logits.const_data_ptr<float>();
  double maximum = row[0];
  for (std::size_t i = 0; i < vocabulary; ++i)
    maximum = std::max<double>(maximum, row[i]);
  double sum = 0;
  for (std::size_t i = 0; i < vocabulary; ++i)
    sum += std::exp((row[i] - maximum) / temperature);
  Plain result;
  for (std::size_t i = 0; i < vocabulary; ++i) {
    result.log_probs.push_back((row[i] - maximum) / temperature - std::log(sum));
    result.entropy -= std::exp(result.log_probs.back()) * result.log_probs.back();
  }
  result.entropy = std::min(result.entropy / std::log(static_cast<double>(vocabulary)), 1.0);
  return result;
}

TEST(Generation, ProbabilitiesAndEntropiesAreThoseOfASecondForwardPass) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  for (const Arm arm : {Arm::cow, Arm::naive_batched}) {
    const Settings s = settings(arm);
    const std::vector<std::int32_t> prompt = loaded.encode(story_prompts()[1]);
    const Trace trace = loaded.run(story_prompts()[1], s).trace;
    ASSERT_GE(trace.samples.size(), 4U);
    for (const Sample& sample : trace.samples) {
      std::vector<const Node*> nodes;
      for (std::int32_t n = sample.leaf; n >= 0;
           n = trace.nodes[static_cast<std::size_t>(n)].parent)
        nodes.insert(nodes.begin(), &trace.nodes[static_cast<std::size_t>(n)]);
      ASSERT_EQ(nodes.size(), sample.tokens.size());
      const auto store = loaded.model.make_kv_store(llm::KvKind::dense);
      const std::vector path = {store->create()};
      at::Tensor logits = loaded.model.prefill(prompt, *store, path);
      double log_prob = 0;
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        const Node& node = *nodes[i];
        EXPECT_EQ(node.position, static_cast<std::int32_t>(i));
        EXPECT_EQ(node.token, sample.tokens[i]);
        const Plain exact = plain(logits, s.temperature);
        ASSERT_NEAR(node.entropy, exact.entropy, 1e-5);
        ASSERT_NEAR(node.log_prob, exact.log_probs[static_cast<std::size_t>(node.token)], 1e-4);
        log_prob += node.log_prob;
        if (arm == Arm::cow && node.branched) {
          EXPECT_GE(node.entropy, s.threshold);
        }
        if (i + 1 < nodes.size())
          logits = loaded.model.step(std::vector{node.token}, *store, path);
      }
      EXPECT_NEAR(sample.log_prob, log_prob, 1e-9);
    }
  }
}

TEST(Generation, IsATreeOfDistinctPaths) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  Settings branching = settings(Arm::cow);
  branching.threshold = 0.1;
  const Generation result = loaded.run(story_prompts()[0], branching);
  const Trace& trace = result.trace;
  std::map<std::pair<std::int32_t, std::int32_t>, int> children;
  std::map<std::int32_t, int> branchings;
  for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
    const Node& node = trace.nodes[i];
    EXPECT_EQ(node.node, static_cast<std::int32_t>(i));
    EXPECT_LT(node.parent, node.node) << "parents first";
    EXPECT_EQ(node.position, node.parent < 0
                                 ? 0
                                 : trace.nodes[static_cast<std::size_t>(node.parent)].position + 1);
    const int same_tokens = ++children[std::make_pair(node.parent, node.token)];
    EXPECT_EQ(same_tokens, 1) << "without replacement";
    if (node.branched)
      ++branchings[node.parent];
  }
  EXPECT_EQ(result.counters.branches, static_cast<std::int64_t>(branchings.size()));
  EXPECT_GT(result.counters.branches, 1);
  for (const auto& [parent, count] : branchings)
    EXPECT_GE(count, 2);
  std::set<std::vector<std::int32_t>> distinct;
  for (std::size_t i = 0; i < trace.samples.size(); ++i) {
    distinct.insert(trace.samples[i].tokens);
    EXPECT_EQ(trace.samples[i].tokens, tokens_to(trace, trace.samples[i].leaf));
    EXPECT_FALSE(trace.samples[i].text.empty());
    if (i > 0) {
      EXPECT_GE(trace.samples[i - 1].log_prob, trace.samples[i].log_prob);
    }
  }
  EXPECT_EQ(distinct.size(), trace.samples.size());
}

TEST(Generation, StrictBudgetBoundsSamplesAndPublishedBoundsPaths) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const std::int32_t period = loaded.encode("He sat.").back();
  std::size_t most_published = 0;
  for (const std::uint64_t seed : {1, 2, 3, 4})
    for (const Budget budget : {Budget::strict, Budget::published}) {
      Settings s = settings(Arm::cow, seed);
      s.budget = budget;
      s.threshold = 0;
      s.max_paths = 7;
      s.max_new_tokens = 12;
      const Generation result = loaded.run(story_prompts()[seed], s, {period});
      if (budget == Budget::strict) {
        EXPECT_LE(result.trace.samples.size(), 7U);
        EXPECT_EQ(result.counters.pruned_tokens, 0);
      } else {
        most_published = std::max(most_published, result.trace.samples.size());
        EXPECT_GT(result.counters.pruned_tokens, 0);
      }
      // Fed at once: never more than max_paths.
      EXPECT_LE(result.counters.decode_forwards, 7 * (s.max_new_tokens - 1));
    }
  EXPECT_GT(most_published, 7U) << "completed paths come on top";
}

TEST(Generation, EndTokensCompleteAPathAndFreeIt) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const std::int32_t period = loaded.encode("He sat.").back();
  for (const Arm arm :
       {Arm::cow, Arm::original, Arm::naive, Arm::naive_batched, Arm::prefill_once}) {
    Settings s = settings(arm);
    s.max_new_tokens = 40;
    const Generation result = loaded.run(story_prompts()[0], s, {period});
    int ended = 0;
    for (const Sample& sample : result.trace.samples) {
      const bool at_end = sample.tokens.back() == period;
      ended += at_end ? 1 : 0;
      EXPECT_TRUE(at_end || sample.tokens.size() == 40);
      EXPECT_EQ(std::count(sample.tokens.begin(), sample.tokens.end(), period), at_end ? 1 : 0);
    }
    EXPECT_GT(ended, 0);
    // A token is fed to the model once, and only if its path goes on after it.
    std::set<std::int32_t> fed;
    for (const Node& node : result.trace.nodes)
      if (node.parent >= 0)
        fed.insert(node.parent);
    EXPECT_EQ(result.counters.decode_forwards, static_cast<std::int64_t>(fed.size()))
        << name_of(arm);
    EXPECT_EQ(result.kv.now.logical_bytes, 0);
    EXPECT_EQ(result.kv.now.bound_bytes, 0);
  }
}

TEST(Generation, MinProbKeepsAtLeastOnePath) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  Settings s = settings(Arm::cow);
  const Generation free = loaded.run(story_prompts()[0], s);
  s.min_prob = 0.5;
  const Generation result = loaded.run(story_prompts()[0], s);
  EXPECT_GT(free.trace.samples.size(), 1U);
  EXPECT_EQ(result.trace.samples.size(), 1U);
  EXPECT_EQ(result.trace.samples[0].tokens.size(), 24U);
  EXPECT_GT(result.counters.pruned_tokens, 0);
}

TEST(Generation, ScheduleDecidesInsteadOfEntropy) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  Settings s = settings(Arm::cow);
  s.max_paths = 20;
  s.schedule = {3, 1, 2, 3};
  const Generation result = loaded.run(story_prompts()[0], s, {-1});
  EXPECT_EQ(result.trace.samples.size(), 18U);
  EXPECT_EQ(result.counters.branches, 1 + 3 + 6);
}

TEST(Generation, FiltersNarrowTheChoice) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  Settings s = settings(Arm::cow);
  s.threshold = 0;
  s.top_k = 1;
  const Generation greedy = loaded.run(story_prompts()[0], s);
  ASSERT_EQ(greedy.trace.samples.size(), 1U) << "one possible token makes no branch";
  EXPECT_EQ(greedy.trace.samples[0].log_prob, 0);
  s.top_k = 2;
  const Generation two = loaded.run(story_prompts()[0], s);
  for (const Node& node : two.trace.nodes) {
    EXPECT_LE(node.entropy, std::log(2.0) / std::log(512.0) + 1e-9);
  }
}

TEST(Generation, CountsWorkAsTheArmsAreDefined) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const auto prompt = static_cast<std::int64_t>(loaded.encode(story_prompts()[2]).size());
  for (const Arm arm :
       {Arm::naive, Arm::naive_batched, Arm::prefill_once, Arm::original, Arm::cow}) {
    const Settings s = settings(arm);
    const Generation result = loaded.run(story_prompts()[2], s);
    const Counters& c = result.counters;
    const bool own_prompts = arm == Arm::naive || arm == Arm::naive_batched;
    EXPECT_EQ(c.prefill_tokens, own_prompts ? 6 * prompt : prompt) << name_of(arm);
    EXPECT_EQ(c.samples, static_cast<std::int64_t>(result.trace.samples.size()));
    EXPECT_EQ(c.unique_tree_tokens + c.pruned_tokens,
              static_cast<std::int64_t>(result.trace.nodes.size()));
    EXPECT_EQ(c.published_token_steps, c.emitted_tokens + (branches(arm) ? 0 : 6 * prompt));
    if (branches(arm)) {
      EXPECT_LT(c.unique_tree_tokens, c.emitted_tokens);
    } else {
      EXPECT_EQ(c.samples, 6);
      EXPECT_EQ(c.unique_tree_tokens, c.emitted_tokens);
      EXPECT_EQ(c.branches, 0);
    }
    EXPECT_GT(result.time_to_first_token_seconds, 0);
    EXPECT_GT(result.time_per_step_seconds, 0);
    EXPECT_GT(result.sampling_seconds, 0);
  }
}

TEST(Generation, OneTokenNeedsNoStep) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  for (const Arm arm :
       {Arm::naive, Arm::naive_batched, Arm::prefill_once, Arm::original, Arm::cow}) {
    Settings s = settings(arm);
    s.max_new_tokens = 1;
    const Generation result = loaded.run(story_prompts()[0], s);
    EXPECT_GE(result.trace.samples.size(), 1U);
    EXPECT_EQ(result.counters.decode_forwards, 0);
    EXPECT_EQ(result.time_per_step_seconds, 0);
    EXPECT_EQ(result.kv.now.logical_bytes, 0);
    EXPECT_EQ(result.kv.copied_bytes, 0);
  }
}

TEST(Generation, RefusesWhatCannotBe) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  const auto run = [&](auto change, std::vector<std::int32_t> prompt = {1, 2, 3}) {
    Settings s = settings(Arm::cow);
    change(s);
    generate(loaded.model, nullptr, {}, prompt, 1, s, Deadline());
  };
  EXPECT_NO_THROW(run([](Settings&) {}));
  EXPECT_THROW(run([](Settings&) {}, {}), UserError);
  EXPECT_THROW(run([](Settings& s) { s.temperature = 0; }), UserError);
  EXPECT_THROW(run([](Settings& s) { s.top_p = 0; }), UserError);
  EXPECT_THROW(run([](Settings& s) { s.max_new_tokens = 0; }), UserError);
  EXPECT_THROW(run([](Settings& s) { s.max_new_tokens = 511; }), UserError) << "beyond the context";
  EXPECT_THROW(run([](Settings& s) { s.arm = Arm::naive; }), UserError) << "naive is not batched";
}

TEST(Generation, StopsAtTheTimeLimit) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const LoadedModel loaded = LoadedModel::open(stories_file(shared), at::kFloat);
  for (const Arm arm : {Arm::naive, Arm::prefill_once, Arm::cow})
    EXPECT_THROW(generate(loaded.model, nullptr, {}, std::vector<std::int32_t>{1, 2}, 1,
                          settings(arm), Deadline(1e-9)),
                 TimedOut);
}

} // namespace
} // namespace peakbench::eab
