// What every arm does the same way: forward passes over paths with their counters and clocks, and
// the trace that grows with each drawn token.
#pragma once

#include <ATen/core/TensorBody.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include "base/deadline.h"
#include "base/stopwatch.h"
#include "eab/generation.h"
#include "eab/random.h"
#include "eab/sampler.h"
#include "eab/settings.h"
#include "llm/kv_store.h"
#include "llm/model.h"
#include "measure/memory.h"

namespace peakbench::eab {

// The input of a generation.
struct Task {
  const llm::Model& model;
  std::span<const std::int32_t> end_tokens;
  std::span<const Prompt> prompts;
  const Settings& settings;
  const Deadline& deadline;
};

// A path while it grows.
struct Path {
  llm::PathId kv = -1;
  std::size_t prompt = 0;
  std::int32_t node = -1; // its last token's, in the prompt's trace; -1: only the prompt so far
  Lineage lineage = kRootLineage;
  double log_prob = 0;
};

class Decoder {
public:
  Decoder(const Task& task, llm::KvKind kind);

  const Task& task() const { return task_; }
  llm::KvStore& store() { return *store_; }
  Sampler& sampler() { return sampler_; }

  // Logits of the prompt's last position, [paths, vocabulary]; the prompt is computed for each
  // path.
  at::Tensor prefill(std::size_t prompt, std::span<const llm::PathId> paths);
  // Feeds every path its last token. Logits [paths, vocabulary].
  at::Tensor step(std::span<const Path> paths);
  // Reads logits of `position` and prepares draws (Sampler::read), on the sampling clock.
  void read(at::Tensor logits, std::int64_t position, std::span<const DrawSource> sources);

  DrawSource source(std::int64_t row, const Path& path) const {
    return {row, path.lineage, task_.prompts[path.prompt].key};
  }
  bool ends(const Path& path) const;
  // Appends a node to the trace and returns the path that ends with it; `parent`'s KV path is kept.
  Path extend(const Path& parent, const DrawnToken& drawn, std::int64_t position, double entropy,
              bool branched, double margin, Lineage lineage);
  // Records the path as a sample and frees its KV.
  void complete(const Path& path);

  Node& node(const Path& path) {
    return result_.traces[path.prompt].nodes[static_cast<std::size_t>(path.node)];
  }
  double& sampling_seconds() { return result_.sampling_seconds; }
  double& step_seconds() { return step_seconds_; }
  void count_step() { ++steps_; }
  void count_branch() { ++result_.counters.branches; }
  void mark_first_token();

  // The generation without its texts: samples ordered, counters and statistics filled in.
  JointGeneration finish() &&;

private:
  const Task& task_;
  measure::DeviceMemory& memory_;
  std::unique_ptr<llm::KvStore> store_;
  Sampler sampler_;
  JointGeneration result_;
  double step_seconds_ = 0;
  std::int64_t steps_ = 0;
  bool first_token_drawn_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// One file per family of arms.
JointGeneration generate_branching(const Task& task, llm::KvKind kind); // original, cow
JointGeneration generate_independent(const Task& task); // naive, naive_batched, prefill_once

} // namespace peakbench::eab
