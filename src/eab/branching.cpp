// Entropy-adaptive branching: the arms `original` and `cow`, which differ in the KV store's fork()
// alone.
#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "eab/decoder.h"
#include "eab/search.h"

namespace peakbench::eab {

namespace {

class Branching {
public:
  Branching(const Task& task, llm::KvKind kind)
      : task_(task), decoder_(task, kind), rule_(task.settings) {}

  Generation run() && {
    active_.push_back({.kv = decoder_.store().create()});
    for (std::int64_t position = 0; position < task_.settings.max_new_tokens && !active_.empty();
         ++position) {
      if (position == 0) {
        draw_all(decoder_.prefill(std::vector{active_[0].kv}), 0);
        decoder_.mark_first_token();
        advance(position);
        continue;
      }
      const Stopwatch clock(decoder_.step_seconds());
      decoder_.count_step();
      if (task_.settings.decode == Decode::batched)
        draw_all(decoder_.step(active_), position);
      else
        draw_each(position);
      advance(position);
    }
    return std::move(decoder_).finish();
  }

private:
  void draw_all(at::Tensor logits, std::int64_t position) {
    std::vector<DrawSource> sources;
    for (std::size_t i = 0; i < active_.size(); ++i)
      sources.push_back({static_cast<std::int64_t>(i), active_[i].lineage});
    decoder_.read(std::move(logits), position, sources);
    const Stopwatch clock(decoder_.sampling_seconds());
    begin_step(position);
    for (std::size_t i = 0; i < active_.size(); ++i)
      choose(i, i, position);
    decoder_.sampler().clear();
  }

  void draw_each(std::int64_t position) {
    begin_step(position);
    for (std::size_t i = 0; i < active_.size(); ++i) {
      const DrawSource source{0, active_[i].lineage};
      decoder_.read(decoder_.step({&active_[i], 1}), position, {&source, 1});
      const Stopwatch clock(decoder_.sampling_seconds());
      choose(i, 0, position);
      decoder_.sampler().clear();
    }
  }

  void begin_step(std::int64_t position) {
    rule_.begin_step(position, static_cast<std::int64_t>(active_.size()), completed_);
    children_.clear();
  }

  // Draws the tokens of active path `i`. No KV is touched before all paths of the step have drawn.
  void choose(std::size_t i, std::size_t draw_index, std::int64_t position) {
    const Path& parent = active_[i];
    const Distribution& distribution = decoder_.sampler().distribution(draw_index);
    const Decision decision = rule_.decide(distribution.entropy, distribution.support);
    const Draw draw = decoder_.sampler().draw(draw_index, decision.tokens);
    const bool branched = decision.tokens > 1;
    const double margin = std::min({decision.gap, draw.gap, distribution.edge_gap});
    if (branched)
      decoder_.count_branch();
    for (const DrawnToken& drawn : draw.tokens) {
      const Lineage lineage =
          branched ? child_lineage(parent.lineage, position, drawn.token) : parent.lineage;
      children_.push_back({i, branched,
                           decoder_.extend(parent, drawn, position, distribution.entropy, branched,
                                           margin, lineage)});
    }
  }

  // Completes, forks and prunes: children become the active paths.
  void advance(std::int64_t position) {
    const bool last = position + 1 == task_.settings.max_new_tokens;
    std::vector<Child> going_on;
    {
      const Stopwatch clock(decoder_.sampling_seconds());
      for (const Child& child : children_) {
        if (decoder_.ends(decoder_.node(child.path.node).token)) {
          decoder_.complete(child.path);
          ++completed_;
        } else {
          going_on.push_back(child);
        }
      }
      mark_survivors(going_on);
    }
    if (last) {
      for (const Child& child : going_on)
        if (child.survives)
          decoder_.complete(child.path);
      for (const Path& path : active_)
        decoder_.store().release(path.kv);
      active_.clear();
      return;
    }
    fork_children(going_on);
  }

  struct Child {
    std::size_t parent; // index into active_
    bool branched;
    Path path;
    bool survives = true;
  };

  void mark_survivors(std::vector<Child>& children) {
    std::vector<double> log_probs;
    for (const Child& child : children)
      log_probs.push_back(child.path.log_prob);
    const Survivors survivors = prune(log_probs, task_.settings.max_paths, task_.settings.min_prob);
    if (survivors.kept.size() == children.size())
      return;
    for (Child& child : children)
      child.survives = false;
    for (const std::int32_t kept : survivors.kept)
      children[static_cast<std::size_t>(kept)].survives = true;
    // Another outcome was this near for the two at the edge.
    for (const std::int32_t edge : {survivors.least_kept, survivors.greatest_dropped}) {
      double& margin = decoder_.node(children[static_cast<std::size_t>(edge)].path.node).margin;
      margin = std::min(margin, survivors.gap);
    }
  }

  // As published: every child of a branch gets a cache of its own before pruning, and the parent's
  // goes. Paths that have ended free theirs first, so that their room can be used again.
  void fork_children(std::vector<Child>& children) {
    llm::KvStore& store = decoder_.store();
    std::vector<bool> goes_on(active_.size(), false);
    for (const Child& child : children)
      goes_on[child.parent] = true;
    for (std::size_t i = 0; i < active_.size(); ++i)
      if (!goes_on[i])
        store.release(active_[i].kv);
    std::vector<Path> next;
    for (std::size_t c = 0; c < children.size(); ++c) {
      Child& child = children[c];
      const bool last_of_parent =
          c + 1 == children.size() || children[c + 1].parent != child.parent;
      if (child.branched) {
        child.path.kv = store.fork(active_[child.parent].kv);
        if (last_of_parent)
          store.release(active_[child.parent].kv);
      }
    }
    for (const Child& child : children) {
      if (child.survives)
        next.push_back(child.path);
      else
        store.release(child.path.kv);
    }
    active_ = std::move(next);
  }

  const Task& task_;
  Decoder decoder_;
  BranchRule rule_;
  std::vector<Path> active_;
  std::vector<Child> children_; // of the step, path after path
  std::int64_t completed_ = 0;
};

} // namespace

Generation generate_branching(const Task& task, llm::KvKind kind) {
  return Branching(task, kind).run();
}

} // namespace peakbench::eab
