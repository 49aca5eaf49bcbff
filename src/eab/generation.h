// One generation: every arm's only entry point, and what it reports.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "eab/settings.h"
#include "llm/kv_store.h"
#include "llm/model.h"
#include "llm/tokenizer.h"

namespace peakbench::eab {

struct Node {
  std::int32_t node = 0;
  std::int32_t parent = -1; // -1: directly under the prompt
  std::int32_t token = 0;
  std::int32_t position = 0; // 0: drawn from the prompt's last logits
  double log_prob = 0;       // of this token under the distribution it was drawn from (nats)
  double entropy = 0;        // normalised, of that distribution
  bool branched = false;     // the distribution was branched on
  // How far the decision was from another one: the smaller of |entropy - threshold| and the gap
  // between the perturbed logits of the last token taken and the first one not taken.
  double margin = 0;
};

struct Sample {
  std::int32_t leaf = 0; // node
  double log_prob = 0;   // of the whole path
  std::vector<std::int32_t> tokens;
  std::string text; // empty without a tokenizer
};

struct Trace {
  std::vector<Node> nodes;     // parents first
  std::vector<Sample> samples; // by log-probability, highest first
};

struct Counters {
  std::int64_t samples = 0, branches = 0, final_paths = 0;
  std::int64_t prefill_tokens = 0;        // prompt tokens really computed, all prefills together
  std::int64_t decode_forwards = 0;       // token-steps really computed
  std::int64_t emitted_tokens = 0;        // sum of the samples' lengths
  std::int64_t unique_tree_tokens = 0;    // nodes of the tree that belong to a sample
  std::int64_t pruned_tokens = 0;         // tokens of no sample
  std::int64_t published_token_steps = 0; // as the published code counts, prompt left out for EAB
};

// What a generation cost.
struct Cost {
  Counters counters;
  llm::KvStatistics kv;
  double time_to_first_token_seconds = 0;
  double time_per_step_seconds = 0; // mean over decode steps
  double sampling_seconds = 0;      // the suite's own work: filters, random numbers, bookkeeping
  llm::ForwardTimes forward;        // of all forward passes; nothing on a GPU
};

struct Generation : Cost {
  Trace trace;
};

// Several prompts, decoded together: one forward pass per step for all of their paths.
struct JointGeneration : Cost {
  std::vector<Trace> traces; // of each prompt
};

struct Prompt {
  std::span<const std::int32_t> tokens;
  std::uint64_t key = 0;    // identifies the prompt in the random numbers (hash of its id)
  std::int64_t samples = 0; // of the arms that do not branch; 0: Settings::samples
};

// Allocations are tagged. Each prompt's tree is the one it has alone, but for rounding. Throws
// TimedOut, Diverged (NaN logits), c10::OutOfMemoryError. `tokenizer` may be null.
JointGeneration generate(const llm::Model& model, const llm::Tokenizer* tokenizer,
                         std::span<const std::int32_t> end_tokens, std::span<const Prompt> prompts,
                         const Settings& settings, const Deadline& deadline);
// One prompt.
Generation generate(const llm::Model& model, const llm::Tokenizer* tokenizer,
                    std::span<const std::int32_t> end_tokens, std::span<const std::int32_t> prompt,
                    std::uint64_t key, const Settings& settings, const Deadline& deadline);

// Are two trees the same (parents, tokens, positions, decisions)? If not, where first, and how
// close the decision was there.
struct TreeComparison {
  bool same = true;
  std::int32_t position = -1;
  double gap = 0;
};
TreeComparison compare_trees(const Trace& trace, const Trace& reference);

// How varied the samples of one generation are (eab.md, "Quality of the samples").
struct Quality {
  std::int64_t distinct_texts = 0;
  double distinct_1 = 0, distinct_2 = 0; // distinct n-grams / n-grams, over tokens
  double self_bleu = 0;
  double mean_log_prob = 0, spread_log_prob = 0, mean_entropy = 0, branch_rate = 0;
  double answer_entropy = 0; // nats, over distinct texts weighted by the tree's probabilities
};
Quality quality_of(const Trace& trace);

} // namespace peakbench::eab
