#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "report/eab_plot_parts.h"
#include "report/eab_plots.h"
#include "report/token_tree.h"

namespace peakbench::report {

namespace {

using results::EabTrace;
using results::TraceNode;

constexpr std::size_t kManyBranchPoints = 60; // are drawn smaller

Point point_of(const TraceNode& node) { return {double(node.position), node.entropy}; }

// A line that starts where the path came from.
void append_run(const EabTrace& trace, const std::vector<std::size_t>& nodes,
                std::vector<Point>& line) {
  if (const std::int32_t parent = trace.nodes[nodes.front()].parent; parent >= 0)
    line.push_back(point_of(trace.nodes[static_cast<std::size_t>(parent)]));
  for (const std::size_t node : nodes)
    line.push_back(point_of(trace.nodes[node]));
  line.push_back({kNoValue, kNoValue});
}

Panel entropies(const TracedCase& traced) {
  const EabTrace& trace = traced.trace;
  const TokenTree tree = tree_of(trace, true);
  Series kept{"path", {.colour = Colour::sky, .width = 1.2, .opacity = 0.6}, {}};
  Series pruned{"pruned path",
                {.colour = Colour::grey, .dash = Dash::dotted, .width = 1, .opacity = 0.6},
                {}};
  for (const Segment& segment : tree.segments)
    append_run(trace, segment.nodes, segment.kept ? kept.points : pruned.points);
  Series best{"most likely sample", {.colour = Colour::blue, .width = 2.6}, {}};
  Series ends{"end of a sample",
              {.colour = Colour::black, .marker = Marker::cross, .width = 0, .size = 0.7},
              {}};
  for (const results::TraceSample& sample : trace.samples)
    ends.points.push_back(point_of(trace.nodes[static_cast<std::size_t>(sample.leaf)]));
  if (!trace.samples.empty())
    append_run(trace, nodes_of(trace, trace.samples.front()), best.points);
  // The children of one branching share its distribution: one mark for all of them.
  Series branched{
      "branch point", {.colour = Colour::vermillion, .marker = Marker::disc, .width = 0}, {}};
  std::set<std::pair<std::int32_t, std::int32_t>> marked;
  for (const TraceNode& node : trace.nodes)
    if (node.branched && marked.emplace(node.parent, node.position).second)
      branched.points.push_back(point_of(node));
  if (branched.points.size() > kManyBranchPoints)
    branched.style.size = 0.6;

  Panel panel;
  panel.y = {.title = "normalised entropy", .low = 0.0};
  panel.series = {pruned, kept, best, ends, branched};
  if (const results::EabCase& record = traced.record;
      record.schedule.empty() && (record.arm == "cow" || record.arm == "original"))
    panel.rules.push_back({fmt::format("threshold {:g}", record.threshold),
                           {.colour = Colour::black, .dash = Dash::dashed, .width = 1.4},
                           true,
                           record.threshold});
  panel.share = 2.4;
  return panel;
}

Panel paths(const TracedCase& traced) {
  std::map<std::int32_t, int> drawn;
  for (const TraceNode& node : traced.trace.nodes)
    ++drawn[node.position];
  Panel panel;
  panel.x = {.title = "position of the token (0: the first one after the prompt)"};
  panel.y = {.title = "tokens drawn", .whole = true, .low = 0.0};
  Boxes bars{"tokens drawn at this position", Colour::sky, 1, {}};
  for (const auto& [position, count] : drawn)
    bars.boxes.push_back({position - 0.4, position + 0.4, 0, double(count)});
  panel.boxes = {bars};
  const results::EabCase& record = traced.record;
  if (record.max_paths > 0 && (record.arm == "cow" || record.arm == "original"))
    panel.rules.push_back({fmt::format("max_paths {}", record.max_paths),
                           {.colour = Colour::black, .dash = Dash::dotted, .width = 1.4},
                           true,
                           double(record.max_paths)});
  return panel;
}

} // namespace

Plot entropy_plot(const TracedCase& traced) {
  Plot plot;
  plot.title = "Entropy along the paths, and where they branched";
  plot.subtitles = {prompt_line(traced.record, traced.prompt),
                    setting_line(traced.record, traced.trace.samples.size())};
  plot.panels = {entropies(traced), paths(traced)};
  std::int32_t last = 0;
  for (const TraceNode& node : traced.trace.nodes)
    last = std::max(last, node.position);
  for (Panel& panel : plot.panels) {
    panel.x.whole = true;
    panel.x.low = -0.6;
    panel.x.high = last + 0.6;
  }
  plot.width = 1060;
  plot.height = 640;
  return plot;
}

} // namespace peakbench::report
