// Two token trees side by side: the same, or where first not, and how near a decision that was.
#include <algorithm>
#include <limits>
#include <vector>

#include "eab/generation.h"

namespace peakbench::eab {

namespace {

bool same_node(const Node& a, const Node& b) {
  return a.parent == b.parent && a.token == b.token && a.position == b.position &&
         a.branched == b.branched;
}

std::vector<bool> with_children(const Trace& trace, std::size_t count) {
  std::vector<bool> has(count, false);
  for (const Node& node : trace.nodes)
    if (node.parent >= 0 && static_cast<std::size_t>(node.parent) < count)
      has[static_cast<std::size_t>(node.parent)] = true;
  return has;
}

// The trees agree on the first `count` nodes, but go on from different ones of them: pruning
// differed. The margins of the nodes that were pruned in one tree alone say how near that was.
double pruning_gap(const Trace& a, const Trace& b, std::size_t count, std::int32_t position) {
  const std::vector<bool> left = with_children(a, count);
  const std::vector<bool> right = with_children(b, count);
  double gap = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < count; ++i)
    if (left[i] != right[i] && a.nodes[i].position == position)
      gap = std::min({gap, a.nodes[i].margin, b.nodes[i].margin});
  return gap;
}

} // namespace

TreeComparison compare_trees(const Trace& trace, const Trace& reference) {
  const std::vector<Node>& a = trace.nodes;
  const std::vector<Node>& b = reference.nodes;
  std::size_t i = 0;
  while (i < a.size() && i < b.size() && same_node(a[i], b[i]))
    ++i;
  if (i == a.size() && i == b.size())
    return {};
  TreeComparison result{.same = false};
  if (i == a.size() || i == b.size()) {
    const Node& extra = i < a.size() ? a[i] : b[i];
    result.position = extra.position;
    result.gap = extra.margin;
  } else {
    result.position = std::min(a[i].position, b[i].position);
    result.gap = std::min(a[i].margin, b[i].margin);
  }
  const bool other_parent = i == a.size() || i == b.size() || a[i].parent != b[i].parent ||
                            a[i].position != b[i].position;
  if (!other_parent)
    return result;
  const double pruned = pruning_gap(trace, reference, i, result.position - 1);
  if (pruned < std::numeric_limits<double>::infinity())
    result.gap = pruned;
  return result;
}

} // namespace peakbench::eab
