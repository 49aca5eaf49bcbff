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

// The tree of one prompt.
class Tree {
public:
  Tree(const Task& task, Decoder& decoder, std::size_t prompt)
      : task_(task), decoder_(decoder), rule_(task.settings) {
    active_.push_back({.kv = decoder.store().create(), .prompt = prompt});
  }

  const std::vector<Path>& active() const { return active_; }

  void begin_step(std::int64_t position) {
    rule_.begin_step(position, static_cast<std::int64_t>(active_.size()), completed_);
    children_.clear();
  }

  // Draws the tokens of active path `i`, from what the sampler prepared as `draw_index`. No KV is
  // touched before all paths of the step have drawn.
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
        if (decoder_.ends(child.path)) {
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

private:
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
      double& margin = decoder_.node(children[static_cast<std::size_t>(edge)].path).margin;
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
  Decoder& decoder_;
  BranchRule rule_;
  std::vector<Path> active_;
  std::vector<Child> children_; // of the step, path after path
  std::int64_t completed_ = 0;
};

// All active paths of all trees in one forward pass.
void step_together(Decoder& decoder, std::vector<Tree>& trees, std::int64_t position) {
  std::vector<Path> paths;
  for (const Tree& tree : trees)
    paths.insert(paths.end(), tree.active().begin(), tree.active().end());
  std::vector<DrawSource> sources;
  for (const Path& path : paths)
    sources.push_back(decoder.source(static_cast<std::int64_t>(sources.size()), path));
  decoder.read(decoder.step(paths), position, sources);
  const Stopwatch clock(decoder.sampling_seconds());
  std::size_t draw = 0;
  for (Tree& tree : trees) {
    tree.begin_step(position);
    for (std::size_t i = 0; i < tree.active().size(); ++i)
      tree.choose(i, draw++, position);
  }
  decoder.sampler().clear();
}

// One active path after the other.
void step_each(Decoder& decoder, Tree& tree, std::int64_t position) {
  tree.begin_step(position);
  for (std::size_t i = 0; i < tree.active().size(); ++i) {
    const Path& path = tree.active()[i];
    const DrawSource source = decoder.source(0, path);
    decoder.read(decoder.step({&path, 1}), position, {&source, 1});
    const Stopwatch clock(decoder.sampling_seconds());
    tree.choose(i, 0, position);
    decoder.sampler().clear();
  }
}

void prefill(Decoder& decoder, Tree& tree) {
  const Path& root = tree.active().front();
  const DrawSource source = decoder.source(0, root);
  decoder.read(decoder.prefill(root.prompt, std::vector{root.kv}), 0, {&source, 1});
  {
    const Stopwatch clock(decoder.sampling_seconds());
    tree.begin_step(0);
    tree.choose(0, 0, 0);
    decoder.sampler().clear();
  }
  decoder.mark_first_token();
  tree.advance(0);
}

} // namespace

JointGeneration generate_branching(const Task& task, llm::KvKind kind) {
  Decoder decoder(task, kind);
  std::vector<Tree> trees;
  for (std::size_t prompt = 0; prompt < task.prompts.size(); ++prompt) {
    trees.emplace_back(task, decoder, prompt);
    prefill(decoder, trees.back());
  }
  const auto grows = [](const Tree& tree) { return !tree.active().empty(); };
  for (std::int64_t position = 1; std::any_of(trees.begin(), trees.end(), grows); ++position) {
    const Stopwatch clock(decoder.step_seconds());
    decoder.count_step();
    if (task.settings.decode == Decode::batched)
      step_together(decoder, trees, position);
    else
      step_each(decoder, trees.front(), position);
    for (Tree& tree : trees)
      if (grows(tree))
        tree.advance(position);
  }
  return std::move(decoder).finish();
}

} // namespace peakbench::eab
