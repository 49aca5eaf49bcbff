#include "report/token_tree.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "report/shown_text.h"

namespace peakbench::report {

namespace {

using results::EabTrace;
using results::TraceNode;

// Parents come before their children, and samples end in nodes that exist.
void check(const EabTrace& trace) {
  const auto damaged = [](const std::string& why) {
    throw UserError("a token tree cannot be read", why, "the file is damaged.");
  };
  for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
    const TraceNode& node = trace.nodes[i];
    if (node.parent < -1 || node.parent >= static_cast<std::int64_t>(i))
      damaged(fmt::format("node {} has the parent {}", i, node.parent));
  }
  for (const results::TraceSample& sample : trace.samples)
    if (sample.leaf < 0 || static_cast<std::size_t>(sample.leaf) >= trace.nodes.size())
      damaged(fmt::format("a sample ends in node {}", sample.leaf));
}

class Builder {
public:
  Builder(const EabTrace& trace, bool with_pruned) : trace_(trace), with_pruned_(with_pruned) {
    check(trace);
    best_.assign(trace.nodes.size(), kNone);
    ends_.assign(trace.nodes.size(), kNone);
    // Samples come by log-probability: the first one to claim a node is the best below it.
    for (std::size_t s = 0; s < trace.samples.size(); ++s) {
      ends_[static_cast<std::size_t>(trace.samples[s].leaf)] = s;
      for (const std::size_t node : nodes_of(trace, trace.samples[s]))
        best_[node] = std::min(best_[node], s);
    }
    children_.resize(trace.nodes.size() + 1); // the last: of the prompt
    std::vector<bool> inner(trace.nodes.size(), false);
    for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
      const std::int32_t parent = trace.nodes[i].parent;
      const std::size_t at = parent < 0 ? trace.nodes.size() : static_cast<std::size_t>(parent);
      if (parent >= 0)
        inner[at] = true;
      children_[at].push_back(i);
    }
    for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
      tree_.pruned_tokens += best_[i] == kNone;
      tree_.pruned_ends += best_[i] == kNone && !inner[i];
    }
    for (std::vector<std::size_t>& all : children_)
      std::ranges::stable_sort(all, {}, [&](std::size_t node) { return best_[node]; });
  }

  TokenTree build() && {
    for (const std::size_t node : shown(children_.back()))
      tree_.roots.push_back(add(node, kNone));
    return std::move(tree_);
  }

private:
  std::vector<std::size_t> shown(std::vector<std::size_t> nodes) const {
    if (!with_pruned_)
      std::erase_if(nodes, [&](std::size_t node) { return best_[node] == kNone; });
    return nodes;
  }

  // Depth is bounded by branchings, not by tokens.
  std::size_t add(std::size_t node, std::size_t parent) {
    const std::size_t index = tree_.segments.size();
    Segment segment{.parent = parent, .kept = best_[node] != kNone};
    std::vector<std::size_t> next;
    for (;; node = next.front()) {
      segment.nodes.push_back(node);
      segment.sample = ends_[node];
      next = shown(children_[node]);
      if (next.size() < children_[node].size())
        segment.pruned_at.push_back(segment.nodes.size() - 1);
      if (next.size() != 1 || segment.sample != kNone)
        break;
    }
    tree_.segments.push_back(std::move(segment));
    for (const std::size_t child : next) {
      const std::size_t added = add(child, index);
      tree_.segments[index].children.push_back(added);
    }
    return index;
  }

  const EabTrace& trace_;
  bool with_pruned_;
  std::vector<std::size_t> best_, ends_; // by node: rank of a sample
  std::vector<std::vector<std::size_t>> children_;
  TokenTree tree_;
};

} // namespace

TokenTree tree_of(const EabTrace& trace, bool with_pruned) {
  return Builder(trace, with_pruned).build();
}

results::EabTrace first_prompt(const EabTrace& trace) {
  check(trace);
  EabTrace first;
  first.tokens = trace.tokens;
  std::vector<std::int32_t> renamed(trace.nodes.size(), -1);
  for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
    TraceNode node = trace.nodes[i];
    if (node.prompt != 0)
      continue;
    renamed[i] = node.node = static_cast<std::int32_t>(first.nodes.size());
    if (node.parent >= 0)
      node.parent = renamed[static_cast<std::size_t>(node.parent)];
    first.nodes.push_back(node);
  }
  for (results::TraceSample sample : trace.samples) {
    sample.leaf = renamed[static_cast<std::size_t>(sample.leaf)];
    if (sample.leaf >= 0)
      first.samples.push_back(sample);
  }
  const auto count = trace.prompt_lengths.empty()
                         ? trace.prompt_tokens.size()
                         : static_cast<std::size_t>(trace.prompt_lengths.front());
  first.prompt_tokens.assign(trace.prompt_tokens.begin(),
                             trace.prompt_tokens.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                               count, trace.prompt_tokens.size())));
  return first;
}

TokenTexts::TokenTexts(const EabTrace& trace) {
  for (const results::TokenText& one : trace.tokens)
    texts_[one.token] = one.text;
}

std::string TokenTexts::operator()(std::int32_t token) const {
  const auto known = texts_.find(token);
  return known == texts_.end() ? fmt::format("<{}>", token) : known->second;
}

std::string TokenTexts::operator()(const EabTrace& trace, const Segment& segment) const {
  std::string text;
  for (const std::size_t node : segment.nodes)
    text += (*this)(trace.nodes[node].token);
  return shown_text(text);
}

std::vector<std::size_t> nodes_of(const EabTrace& trace, const results::TraceSample& sample) {
  std::vector<std::size_t> nodes;
  for (std::int32_t node = sample.leaf; node >= 0;
       node = trace.nodes[static_cast<std::size_t>(node)].parent)
    nodes.push_back(static_cast<std::size_t>(node));
  std::ranges::reverse(nodes);
  return nodes;
}

std::vector<std::int32_t> branch_positions(const EabTrace& trace,
                                           const results::TraceSample& sample) {
  std::vector<std::int32_t> positions;
  for (const std::size_t node : nodes_of(trace, sample))
    if (trace.nodes[node].branched)
      positions.push_back(trace.nodes[node].position);
  return positions;
}

} // namespace peakbench::report
