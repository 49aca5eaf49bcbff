// The token tree as a picture: one row per sample, texts along the lines. The unit across is one
// character of the font, so that every text has the room that it needs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/eab_plot_parts.h"
#include "report/eab_plots.h"
#include "report/numbers.h"
#include "report/plot_layout.h"
#include "report/shown_text.h"
#include "report/token_tree.h"

namespace peakbench::report {

namespace {

using results::EabTrace;

constexpr double kFontSize = 10, kCharacter = 0.602 * kFontSize; // pixels, monospace
constexpr double kRow = 25;                                      // pixels
constexpr std::size_t kInnerWidth = 48, kLeafWidth = 72;         // a text is cut there
constexpr std::size_t kMostSamples = 64;
constexpr std::size_t kMostPrunedRows = 24; // more pruned paths are drawn as short strokes
constexpr double kEndWidth = 15;            // "#12  -123.45"
constexpr double kRootWidth = 5;            // "0.30"
constexpr double kLegendRow = 0.6;          // of a line of the legend, in rows
constexpr int kLeastWidth = 640;            // room for the lines below the title
constexpr double kLeastInner = 6;           // room for the entropy before a branch point

struct Place {
  double row = 0, start = 0, end = 0;
  std::string text;
  std::size_t best = kNone; // sample below
};

// Where every segment lies.
class Placement {
public:
  Placement(const EabTrace& trace, const TokenTree& tree)
      : tree_(tree), texts_(trace), trace_(trace), places_(tree.segments.size()) {
    for (std::size_t i = tree.segments.size(); i-- > 0;) { // children come behind their parents
      const Segment& segment = tree.segments[i];
      places_[i].best = segment.sample;
      for (const std::size_t child : segment.children)
        places_[i].best = std::min(places_[i].best, places_[child].best);
    }
    for (const std::size_t root : shown(tree.roots))
      place(root, 0);
  }
  // Beyond a number of samples only the most likely ones have room.
  std::vector<std::size_t> shown(std::vector<std::size_t> segments) const {
    std::erase_if(segments, [&](std::size_t index) {
      return tree_.segments[index].kept && places_[index].best >= kMostSamples;
    });
    return segments;
  }
  const Place& operator[](std::size_t index) const { return places_[index]; }
  double rows() const { return rows_; }
  double width() const { return width_; }

private:
  void place(std::size_t index, double start) {
    const Segment& segment = tree_.segments[index];
    const std::vector<std::size_t> children = shown(segment.children);
    Place& mine = places_[index];
    const bool leaf = children.empty();
    const std::string whole = texts_(trace_, segment);
    const std::size_t blanks = std::min(whole.find_first_not_of(' '), whole.size());
    mine.text = cut_to_width(whole.substr(blanks), leaf ? kLeafWidth : kInnerWidth);
    mine.start = start;
    mine.end = start + std::max(leaf ? 3.0 : kLeastInner,
                                static_cast<double>(display_width(mine.text)) + 2);
    width_ = std::max(width_, mine.end + (leaf ? kEndWidth : 0));
    for (const std::size_t child : children)
      place(child, mine.end);
    mine.row = leaf ? rows_++ : (places_[children.front()].row + places_[children.back()].row) / 2;
  }

  const TokenTree& tree_;
  TokenTexts texts_;
  const EabTrace& trace_;
  std::vector<Place> places_;
  double rows_ = 0, width_ = 0;
};

class Drawing {
public:
  Drawing(const TracedCase& traced, const TokenTree& tree)
      : traced_(traced), tree_(tree), places_(traced.trace, tree) {}

  Panel panel() && {
    draw_children(tree_.roots, 0, root_row());
    Panel panel;
    panel.x = {.title = "", .visible = false, .low = -kRootWidth, .high = places_.width()};
    panel.y = {.title = "", .visible = false, .low = -places_.rows() + 0.4, .high = 0.8};
    panel.series = {pruned_, strokes_, kept_, best_, branches_, ended_, cut_};
    panel.labels = std::move(labels_);
    return panel;
  }
  double rows() const { return places_.rows(); }
  double width() const { return places_.width() + kRootWidth; }

private:
  double root_row() const {
    const std::vector<std::size_t> roots = places_.shown(tree_.roots);
    return roots.empty() ? 0 : (places_[roots.front()].row + places_[roots.back()].row) / 2;
  }

  static void polyline(Series& series, std::initializer_list<Point> points) {
    series.points.insert(series.points.end(), points);
    series.points.push_back({kNoValue, kNoValue});
  }

  // A branch point and what comes out of it. Rows count downwards.
  void draw_children(const std::vector<std::size_t>& all, double x, double row) {
    const std::vector<std::size_t> children = places_.shown(all);
    if (all.size() > 1) {
      branches_.points.push_back({x, -row});
      const std::size_t first = tree_.segments[all.front()].nodes.front();
      labels_.push_back({.x = x - 0.8,
                         .y = -row,
                         .text = fmt::format("{:.2f}", traced_.trace.nodes[first].entropy),
                         .anchor = Anchor::right,
                         .colour = Colour::vermillion,
                         .size = 9,
                         .move_y = x > 0 ? -7.0 : 0.0});
    }
    for (const std::size_t index : children) {
      const Place& place = places_[index];
      const Segment& segment = tree_.segments[index];
      Series& line = !segment.kept ? pruned_ : place.best == 0 ? best_ : kept_;
      if (place.row == row) // a corner that is none would be drawn as one
        polyline(line, {{x, -row}, {place.end, -row}});
      else
        polyline(line, {{x, -row}, {x, -place.row}, {place.end, -place.row}});
      labels_.push_back({.x = place.start + 1,
                         .y = -place.row,
                         .text = place.text,
                         .colour = segment.kept ? Colour::black : Colour::grey,
                         .size = kFontSize,
                         .monospace = true,
                         .move_y = 7});
      draw_strokes(segment, place);
      draw_children(segment.children, place.end, place.row);
      if (segment.children.empty())
        draw_end(segment, place);
    }
  }

  void draw_strokes(const Segment& segment, const Place& place) {
    const double tokens = static_cast<double>(segment.nodes.size());
    for (const std::size_t offset : segment.pruned_at) {
      const double x =
          place.start + (place.end - place.start) * (static_cast<double>(offset) + 1) / tokens;
      polyline(strokes_, {{x, -place.row}, {x + 0.8, -place.row - 0.3}});
    }
  }

  void draw_end(const Segment& segment, const Place& place) {
    if (segment.sample == kNone) {
      labels_.push_back({.x = place.end + 0.7,
                         .y = -place.row,
                         .text = "× pruned",
                         .colour = Colour::grey,
                         .size = kFontSize});
      return;
    }
    const std::int32_t position = traced_.trace.nodes[segment.nodes.back()].position;
    const bool cut = position + 1 == traced_.record.max_new_tokens;
    (cut ? cut_ : ended_).points.push_back({place.end, -place.row});
    labels_.push_back({.x = place.end + 1.2,
                       .y = -place.row,
                       .text = fmt::format("#{}  {:.2f}", segment.sample + 1,
                                           traced_.trace.samples[segment.sample].log_prob),
                       .colour = place.best == 0 ? Colour::blue : Colour::black,
                       .size = kFontSize,
                       .monospace = true});
  }

  const TracedCase& traced_;
  const TokenTree& tree_;
  Placement places_;
  std::vector<Label> labels_;
  Series kept_{"leads to a sample", {.colour = Colour::sky, .width = 1.6}, {}};
  Series best_{"the most likely sample", {.colour = Colour::blue, .width = 3}, {}};
  Series pruned_{"pruned", {.colour = Colour::grey, .dash = Dash::dotted, .width = 1.4}, {}};
  Series strokes_{"pruned here", {.colour = Colour::grey, .width = 1.2}, {}};
  Series branches_{"branch point, its entropy",
                   {.colour = Colour::vermillion, .marker = Marker::disc, .width = 0, .size = 1.1},
                   {}};
  Series ended_{"sample that ended by itself",
                {.colour = Colour::black, .marker = Marker::square, .width = 0, .size = 0.8},
                {}};
  Series cut_{"cut at max_new_tokens",
              {.colour = Colour::black, .marker = Marker::box, .width = 0, .size = 0.8},
              {}};
};

} // namespace

Plot tree_plot(const TracedCase& traced) {
  TokenTree tree = tree_of(traced.trace, true);
  const bool rows_for_pruned = tree.pruned_ends <= kMostPrunedRows;
  if (!rows_for_pruned)
    tree = tree_of(traced.trace, false);
  Drawing drawing(traced, tree);
  Plot plot;
  plot.title = "The tree of samples";
  plot.subtitles = {prompt_line(traced.record, traced.prompt),
                    setting_line(traced.record, traced.trace.samples.size())};
  std::string counts = "#1 is the most likely sample; log-probabilities in nats";
  if (traced.trace.samples.size() > kMostSamples)
    counts += fmt::format("; only the first {} of {} samples are shown", kMostSamples,
                          traced.trace.samples.size());
  if (tree.pruned_ends > 0)
    counts += fmt::format("; {} pruned paths, {} tokens of no sample", tree.pruned_ends,
                          tree.pruned_tokens);
  plot.subtitles.push_back(counts);
  const double width = drawing.width(), tree_rows = drawing.rows() + 0.4;
  plot.panels = {std::move(drawing).panel()};
  // As wide and as high as the texts need it, and as the legend does.
  const auto entries = static_cast<double>(std::ranges::count_if(
      plot.panels[0].series, [](const Series& series) { return !series.points.empty(); }));
  const double rows = std::max(tree_rows, 1 + kLegendRow * entries);
  plot.height = static_cast<int>(kTitleHeight + 3 * kSubtitleHeight + 30 + kRow * rows);
  plot.panels[0].y.low = *plot.panels[0].y.high - rows;
  const PanelLayout layout = layout_of(plot).front();
  plot.width += static_cast<int>(std::ceil(kCharacter * width - (layout.right - layout.left)));
  plot.width = std::max(plot.width, kLeastWidth);
  // What is wider than the texts is left empty, instead of spreading them.
  const PanelLayout final_layout = layout_of(plot).front();
  plot.panels[0].x.high = -kRootWidth + (final_layout.right - final_layout.left) / kCharacter;
  return plot;
}

} // namespace peakbench::report
