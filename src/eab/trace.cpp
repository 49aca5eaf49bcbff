#include "eab/trace.h"

#include <algorithm>
#include <numeric>

#include "eab/search.h"

namespace peakbench::eab {

namespace {
std::size_t index_of(std::int32_t node) { return static_cast<std::size_t>(node); }
} // namespace

std::vector<std::int32_t> tokens_to(const Trace& trace, std::int32_t leaf) {
  std::vector<std::int32_t> tokens;
  for (std::int32_t n = leaf; n >= 0; n = trace.nodes[index_of(n)].parent)
    tokens.push_back(trace.nodes[index_of(n)].token);
  std::reverse(tokens.begin(), tokens.end());
  return tokens;
}

void order_by_position(Trace& trace) {
  std::vector<std::int32_t> order(trace.nodes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return trace.nodes[index_of(a)].position < trace.nodes[index_of(b)].position;
  });
  std::vector<std::int32_t> renamed(order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    renamed[index_of(order[i])] = static_cast<std::int32_t>(i);
  std::vector<Node> nodes;
  nodes.reserve(order.size());
  for (const std::int32_t old : order) {
    Node node = trace.nodes[index_of(old)];
    node.node = renamed[index_of(old)];
    if (node.parent >= 0)
      node.parent = renamed[index_of(node.parent)];
    nodes.push_back(node);
  }
  trace.nodes = std::move(nodes);
  for (Sample& sample : trace.samples)
    sample.leaf = renamed[index_of(sample.leaf)];
}

void order_by_log_prob(Trace& trace) {
  std::vector<double> log_probs;
  for (const Sample& sample : trace.samples)
    log_probs.push_back(sample.log_prob);
  std::vector<Sample> sorted;
  for (const std::int32_t i : by_log_prob(log_probs))
    sorted.push_back(std::move(trace.samples[index_of(i)]));
  trace.samples = std::move(sorted);
}

void count_tokens(const Trace& trace, Counters& counters) {
  std::vector<bool> used(trace.nodes.size(), false);
  for (const Sample& sample : trace.samples) {
    counters.emitted_tokens += static_cast<std::int64_t>(sample.tokens.size());
    for (std::int32_t n = sample.leaf; n >= 0 && !used[index_of(n)];
         n = trace.nodes[index_of(n)].parent)
      used[index_of(n)] = true;
  }
  counters.samples += static_cast<std::int64_t>(trace.samples.size());
  counters.final_paths = counters.samples;
  counters.unique_tree_tokens += std::count(used.begin(), used.end(), true);
  counters.pruned_tokens += std::count(used.begin(), used.end(), false);
}

std::int64_t peak_live_tokens(const Trace& trace) {
  // The nodes fed to the model are those with children. At the step that feeds position p the live
  // ones are these of position p and all above them.
  std::vector<bool> fed(trace.nodes.size(), false);
  std::int32_t last = -1;
  for (const Node& node : trace.nodes) {
    if (node.parent >= 0)
      fed[index_of(node.parent)] = true;
    last = std::max(last, node.position);
  }
  std::int64_t peak = 0;
  for (std::int32_t position = 0; position <= last; ++position) {
    std::vector<bool> live(trace.nodes.size(), false);
    for (const Node& node : trace.nodes)
      if (node.position == position && fed[index_of(node.node)])
        for (std::int32_t n = node.node; n >= 0 && !live[index_of(n)];
             n = trace.nodes[index_of(n)].parent)
          live[index_of(n)] = true;
    peak = std::max(peak, static_cast<std::int64_t>(std::count(live.begin(), live.end(), true)));
  }
  return peak;
}

} // namespace peakbench::eab
