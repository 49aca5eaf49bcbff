#include "llm/kv_store.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "kernels/plan_tree.h"
#include "kernels/tree_attention.h"
#include "llm/kv_copy.h"
#include "llm/kv_lineage.h"
#include "llm/kv_prefill.h"
#include "llm/slot_pool.h"

namespace peakbench::llm {

namespace {

class SlotStore final : public KvStore {
public:
  SlotStore(KvKind kind, const ModelConfig& config, at::ScalarType dtype, at::Device device)
      : kind_(kind), pool_(config, dtype, device),
        scale_(1.0 / std::sqrt(static_cast<double>(config.head_width))) {}

  PathId create() override {
    paths_.emplace(next_, Path{.leaf = lineage_.create()});
    return next_++;
  }

  PathId fork(PathId parent) override {
    Path& from = at(parent);
    Path child{.length = from.length};
    if (kind_ == KvKind::shared) {
      pool_.retain(from.runs);
      child.runs = from.runs;
    } else {
      pool_.take(from.length, child.runs);
      copy_slots(pool_.chunks(), from.runs, child.runs);
      statistics_.copied_bytes += from.length * pool_.bytes_per_slot();
    }
    child.leaf = lineage_.fork(from.leaf);
    ++statistics_.forks;
    logical_tokens_ += child.length;
    paths_.emplace(next_, std::move(child));
    note_usage();
    return next_++;
  }

  void release(PathId path) override {
    const Path& gone = at(path);
    pool_.release(gone.runs);
    lineage_.release(gone.leaf);
    logical_tokens_ -= gone.length;
    paths_.erase(path);
    note_usage();
  }

  std::int64_t length(PathId path) const override { return at(path).length; }

  void reserve(std::span<const PathId> paths, std::int64_t tokens) override {
    const bool empty =
        std::all_of(paths.begin(), paths.end(), [&](PathId p) { return length(p) == 0; });
    TORCH_CHECK(tokens == 1 || empty, "only empty paths take several tokens at once");
    const auto count = static_cast<std::int64_t>(paths.size());
    pool_.make_room(count * tokens);
    new_slots_.clear();
    for (const PathId id : paths) {
      Path& path = at(id);
      std::vector<SlotRun> added;
      pool_.take(tokens, added);
      for (const SlotRun& run : added) {
        append_run(path.runs, run);
        append_run(new_slots_, run);
      }
      path.length += tokens;
      lineage_.extend(path.leaf, tokens);
    }
    logical_tokens_ += count * tokens;
    prefill_tokens_ = empty ? tokens : 0;
    plan_step(paths);
    note_usage();
  }

  void append(std::int64_t layer, const at::Tensor& key, const at::Tensor& value) override {
    pool_.check_writable(new_slots_);
    write_slots(pool_.chunks(), layer, new_slots_, key, value);
    if (prefill_tokens_ > 0) {
      step_key_ = key;
      step_value_ = value;
    }
  }

  at::Tensor attention(std::int64_t layer, const at::Tensor& query) override {
    if (prefill_tokens_ == 0)
      return kernels::tree_attention(query, pool_.chunks(), layer, plan_, scale_);
    // Nothing but the step's own tokens is to be seen, and they are at hand without a gather.
    const at::Tensor key = std::move(step_key_), value = std::move(step_value_);
    return causal_attention(query, key, value, prefill_tokens_, scale_);
  }

  KvStep step() const override {
    TORCH_CHECK(prefill_tokens_ == 0, "a step of one token per path");
    pool_.check_writable(new_slots_);
    return {pool_.chunks(), new_slots_, plan_};
  }

  KvStatistics statistics() const override { return statistics_; }

private:
  struct Path {
    std::vector<SlotRun> runs = {};
    std::int64_t length = 0;
    KvLineage::Leaf leaf = -1;
  };

  Path& at(PathId path) {
    const auto found = paths_.find(path);
    TORCH_CHECK(found != paths_.end(), "there is no path ", path);
    return found->second;
  }
  const Path& at(PathId path) const { return const_cast<SlotStore*>(this)->at(path); }

  void plan_step(std::span<const PathId> paths) {
    if (prefill_tokens_ > 0)
      return;
    std::vector<std::span<const SlotRun>> lists;
    lists.reserve(paths.size());
    for (const PathId path : paths)
      lists.push_back(at(path).runs);
    plan_ = kernels::plan_tree(lists);
  }

  void note_usage() {
    const std::int64_t bytes = pool_.bytes_per_slot();
    KvUsage& now = statistics_.now;
    KvUsage& peak = statistics_.peak;
    now = {logical_tokens_ * bytes, pool_.slots() * bytes, lineage_.unique_tokens() * bytes};
    peak.logical_bytes = std::max(peak.logical_bytes, now.logical_bytes);
    peak.physical_bytes = std::max(peak.physical_bytes, now.physical_bytes);
    peak.bound_bytes = std::max(peak.bound_bytes, now.bound_bytes);
  }

  KvKind kind_;
  SlotPool pool_;
  double scale_;
  KvLineage lineage_;
  std::unordered_map<PathId, Path> paths_;
  PathId next_ = 0;
  std::int64_t logical_tokens_ = 0;
  KvStatistics statistics_;
  // The step that reserve() began.
  std::vector<SlotRun> new_slots_;  // row after row of append()
  std::int64_t prefill_tokens_ = 0; // per path; 0: the step reads through the plan
  kernels::TreeAttentionPlan plan_;
  at::Tensor step_key_, step_value_; // of one layer of a prefill, between append() and attention()
};

} // namespace

std::unique_ptr<KvStore> make_kv_store(KvKind kind, const ModelConfig& config, at::ScalarType dtype,
                                       at::Device device) {
  return std::make_unique<SlotStore>(kind, config, dtype, device);
}

} // namespace peakbench::llm
