// How a timeline looks: bands of tags in a fixed order, the peak marked and told in words.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "report/numbers.h"
#include "report/plot_layout.h"
#include "report/timeline_parts.h"
#include "report/timeline_plots.h"

namespace peakbench::report {

namespace {

using results::Timeline;
using results::TimelinePoint;

constexpr std::size_t kColumns = 120; // of a panel
constexpr double kPlotWidth = 172, kHeight = 430;
constexpr double kWordLine = 13, kWordSize = 10; // of the words about the peak
constexpr std::size_t kMostParts = 4;
constexpr double kLeastShare = 0.005; // of the peak, for a part to be named
constexpr double kMostTicks = 4;      // of a panel's time

// From the bottom. Neighbours differ in lightness or hatching, for print in grey.
struct TagLook {
  std::size_t tag; // of results::kTagNames
  Colour colour;
  Fill fill;
};
constexpr TagLook kLooks[] = {
    {0, Colour::light_grey, Fill::solid},  {2, Colour::purple, Fill::rising},
    {1, Colour::vermillion, Fill::rising}, {3, Colour::sky, Fill::solid},
    {4, Colour::green, Fill::falling},     {5, Colour::blue, Fill::solid},
    {6, Colour::orange, Fill::solid},      {7, Colour::black, Fill::falling},
};

double megabytes(std::int64_t bytes) { return static_cast<double>(bytes) / kMegabyte; }

struct TimeUnit {
  const char* name;
  double per_second;
};
TimeUnit unit_of(double longest) { return longest < 2 ? TimeUnit{"ms", 1000} : TimeUnit{"s", 1}; }

std::int64_t bytes_of(const TimelinePoint& point, std::size_t tag) {
  return point.by_tag.*results::kTagMembers[tag];
}

// The tags of which any panel has bytes.
std::set<std::size_t> tags_in(const std::vector<TimelinePanel>& panels) {
  std::set<std::size_t> tags;
  for (const TimelinePanel& panel : panels)
    for (const TimelinePoint& point : panel.timeline->points)
      for (std::size_t tag = 0; tag < results::kTagMembers.size(); ++tag)
        if (bytes_of(point, tag) > 0)
          tags.insert(tag);
  return tags;
}

// The uppermost first, as the legend names them. A negative part (freed since the start) has no
// height.
std::vector<Band> bands_of(const std::vector<TimelinePoint>& points,
                           const std::set<std::size_t>& tags, const TimeUnit& unit) {
  std::vector<Band> bands;
  std::vector<double> top(points.size(), 0);
  for (const TagLook& look : kLooks) {
    if (!tags.contains(look.tag))
      continue;
    Band band{results::kTagNames[look.tag], look.colour, look.fill, {}};
    for (std::size_t i = 0; i < points.size(); ++i) {
      const double height = std::max(0.0, megabytes(bytes_of(points[i], look.tag)));
      const BandPoint next{points[i].seconds * unit.per_second, top[i], top[i] + height};
      const bool goes_on = !band.points.empty() && i + 1 < points.size() &&
                           band.points.back().low == next.low &&
                           band.points.back().high == next.high;
      if (!goes_on) // spares most of the file where a tag does not change
        band.points.push_back(next);
      top[i] += height;
    }
    bands.insert(bands.begin(), std::move(band));
  }
  return bands;
}

// "412.5 MB in decode", and its greatest parts.
std::vector<std::string> words_of(const TimelinePanel& panel) {
  const Timeline& timeline = *panel.timeline;
  const TimelinePoint& peak = timeline.points[results::peak_of(timeline)];
  const std::string& phase = timeline.phases[static_cast<std::size_t>(peak.phase)];
  std::vector<std::string> words{number(megabytes(peak.total)) + " MB" +
                                 (phase.empty() ? " at the start" : " in " + phase)};
  for (const Part& part : parts_of(peak.by_tag, kMostParts))
    if (megabytes(std::abs(part.bytes)) >= kLeastShare * megabytes(peak.total))
      words.push_back(fmt::format("{} {} ({} %)", part.name, number(megabytes(part.bytes)),
                                  percent_of(part.bytes, peak.total)));
  if (peak.total != panel.peak_bytes)
    words.push_back("reported: " + number(megabytes(panel.peak_bytes)) + " MB");
  return words;
}

Panel panel_of(const TimelinePanel& given, const std::set<std::size_t>& tags) {
  const std::vector<TimelinePoint> points = drawn_points(*given.timeline, kColumns);
  const TimeUnit unit = unit_of(points.back().seconds);
  const TimelinePoint& peak = given.timeline->points[results::peak_of(*given.timeline)];
  Panel panel;
  panel.title = given.title;
  panel.bands = bands_of(points, tags, unit);
  panel.x = {.title = "time", .unit = unit.name, .low = 0.0};
  panel.x.high = std::max(1e-9, points.back().seconds * unit.per_second);
  panel.x.ticks = linear_ticks({0, *panel.x.high}, kMostTicks);
  panel.series.push_back({"peak",
                          {.colour = Colour::black, .marker = Marker::disc, .width = 0, .size = 1},
                          {{peak.seconds * unit.per_second, megabytes(peak.total)}}});
  return panel;
}

void add_words(const std::vector<std::string>& words, double top, Panel& panel) {
  double down = 4;
  for (const std::string& line : words) {
    down += kWordLine;
    panel.labels.push_back({.x = 0, .y = top, .text = line, .size = kWordSize, .move_x = 4});
    panel.labels.back().move_y = -down + kWordLine / 2;
  }
}

} // namespace

std::vector<TimelinePoint> drawn_points(const Timeline& timeline, std::size_t columns) {
  const std::vector<TimelinePoint>& all = timeline.points;
  const double width = std::max(all.back().seconds, 1e-12) / static_cast<double>(columns);
  std::vector<TimelinePoint> drawn;
  for (std::size_t first = 0; first < all.size();) {
    const auto column = static_cast<std::int64_t>(all[first].seconds / width);
    std::size_t end = first, highest = first;
    for (; end < all.size() && static_cast<std::int64_t>(all[end].seconds / width) == column; ++end)
      if (all[end].total > all[highest].total)
        highest = end;
    drawn.push_back(all[highest]);
    if (highest + 1 < end)
      drawn.push_back(all[end - 1]);
    first = end;
  }
  return drawn;
}

Plot timeline_plot(const std::string& title, const std::vector<std::string>& subtitles,
                   const std::vector<TimelinePanel>& panels) {
  Plot plot;
  plot.title = title;
  plot.subtitles = subtitles;
  const std::set<std::size_t> tags = tags_in(panels);
  double highest = 0;
  std::size_t lines = 0;
  for (const TimelinePanel& one : panels) {
    const Timeline& timeline = *one.timeline;
    highest = std::max(highest, megabytes(timeline.points[results::peak_of(timeline)].total));
    lines = std::max(lines, words_of(one).size());
  }
  const double text = kWordLine * static_cast<double>(lines) + 10;
  plot.height = static_cast<int>(kHeight + text);
  // The words stand above the highest point of all.
  const double area = plot.height - kTitleHeight - 26 - 54 -
                      kSubtitleHeight * static_cast<double>(plot.subtitles.size());
  const double top = std::max(highest, 1e-6) * area / (area - text);
  plot.width = 0;
  for (std::size_t i = 0; i < panels.size(); ++i) {
    Panel panel = panel_of(panels[i], tags);
    panel.y = {.low = 0.0, .high = top};
    if (i == 0) {
      panel.y.title = "live memory";
      panel.y.unit = "MB";
    }
    panel.y.labelled = i == 0;
    add_words(words_of(panels[i]), top, panel);
    panel.legend = i + 1 == panels.size();
    plot.panels.push_back(std::move(panel));
  }
  for (Panel& panel : plot.panels) {
    const double width =
        kPlotWidth + (&panel == &plot.panels.front() ? 58 : 0) + legend_width(panel);
    panel.share = width;
    plot.width += static_cast<int>(width);
  }
  plot.side_by_side = true;
  return plot;
}

} // namespace peakbench::report
