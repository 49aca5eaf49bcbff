#include "eab/decoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "eab/search.h"
#include "eab/trace.h"
#include "measure/memory.h"

namespace peakbench::eab {

Decoder::Decoder(const Task& task, llm::KvKind kind)
    : task_(task), memory_(measure::DeviceMemory::of(task.model.device())),
      store_(task.model.make_kv_store(kind)), sampler_(task.settings) {
  result_.traces.resize(task.prompts.size());
}

at::Tensor Decoder::prefill(std::size_t prompt, std::span<const llm::PathId> paths) {
  task_.deadline.check();
  memory_.mark("prefill");
  const std::span<const std::int32_t> tokens = task_.prompts[prompt].tokens;
  result_.counters.prefill_tokens += static_cast<std::int64_t>(tokens.size() * paths.size());
  return task_.model.prefill(tokens, *store_, paths, &result_.forward);
}

at::Tensor Decoder::step(std::span<const Path> paths) {
  task_.deadline.check();
  memory_.mark("decode");
  std::vector<std::int32_t> tokens;
  std::vector<llm::PathId> ids;
  for (const Path& path : paths) {
    tokens.push_back(node(path).token);
    ids.push_back(path.kv);
  }
  result_.counters.decode_forwards += static_cast<std::int64_t>(paths.size());
  return task_.model.step(tokens, *store_, ids, &result_.forward);
}

void Decoder::read(at::Tensor logits, std::int64_t position, std::span<const DrawSource> sources) {
  // The forward pass may still be running on the device; its time is not the sampler's.
  memory_.synchronize();
  memory_.mark("sampling");
  const Stopwatch clock(result_.sampling_seconds);
  sampler_.read(std::move(logits), position, sources);
}

bool Decoder::ends(const Path& path) const {
  const Node& last = result_.traces[path.prompt].nodes[static_cast<std::size_t>(path.node)];
  return std::find(task_.end_tokens.begin(), task_.end_tokens.end(), last.token) !=
         task_.end_tokens.end();
}

Path Decoder::extend(const Path& parent, const DrawnToken& drawn, std::int64_t position,
                     double entropy, bool branched, double margin, Lineage lineage) {
  std::vector<Node>& nodes = result_.traces[parent.prompt].nodes;
  const auto index = static_cast<std::int32_t>(nodes.size());
  nodes.push_back({.node = index,
                   .parent = parent.node,
                   .token = drawn.token,
                   .position = static_cast<std::int32_t>(position),
                   .log_prob = drawn.log_prob,
                   .entropy = entropy,
                   .branched = branched,
                   .margin = margin});
  return {parent.kv, parent.prompt, index, lineage, parent.log_prob + drawn.log_prob};
}

void Decoder::complete(const Path& path) {
  Trace& trace = result_.traces[path.prompt];
  trace.samples.push_back({.leaf = path.node,
                           .log_prob = path.log_prob,
                           .tokens = tokens_to(trace, path.node),
                           .text = {}});
}

void Decoder::mark_first_token() {
  if (first_token_drawn_)
    return;
  first_token_drawn_ = true;
  result_.time_to_first_token_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

JointGeneration Decoder::finish() && {
  sampler_.clear();
  result_.kv = store_->statistics();
  const Stopwatch clock(result_.sampling_seconds);
  Counters& counters = result_.counters;
  for (std::size_t i = 0; i < result_.traces.size(); ++i) {
    Trace& trace = result_.traces[i];
    order_by_position(trace);
    order_by_log_prob(trace);
    count_tokens(trace, counters);
    // As the published code counts: the prompt once per sample for naive, not at all for branching.
    if (!branches(task_.settings.arm))
      counters.published_token_steps +=
          static_cast<std::int64_t>(trace.samples.size() * task_.prompts[i].tokens.size());
  }
  counters.published_token_steps += counters.emitted_tokens;
  if (steps_ > 0)
    result_.time_per_step_seconds = step_seconds_ / static_cast<double>(steps_);
  return std::move(result_);
}

} // namespace peakbench::eab
