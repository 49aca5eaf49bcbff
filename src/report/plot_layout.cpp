#include "report/plot_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "report/numbers.h"
#include "report/shown_text.h"

namespace peakbench::report {

namespace {

constexpr double kGap = 14;
constexpr double kTickHeight = 20, kAxisTitleHeight = 20;
constexpr double kDescender = 6;    // of the title below, which an SVG would else end in
constexpr double kSampleWidth = 66; // of a legend's entry, beside its text
constexpr double kNumberWidth = 38; // of tick labels that gnuplot chooses

std::vector<double> values_of(const Panel& panel, bool is_x) {
  std::vector<double> values;
  for (const Series& series : panel.series)
    for (const Point& point : series.points) {
      if (std::isnan(point.x) || std::isnan(point.y))
        continue;
      values.push_back(is_x ? point.x : point.y);
      if (!is_x)
        values.insert(values.end(), {point.low, point.high});
    }
  for (const Boxes& group : panel.boxes)
    for (const Box& box : group.boxes)
      values.insert(values.end(), {is_x ? box.x_low : box.y_low, is_x ? box.x_high : box.y_high});
  for (const Band& band : panel.bands)
    for (const BandPoint& point : band.points) {
      values.push_back(is_x ? point.x : point.low);
      values.push_back(is_x ? point.x : point.high);
    }
  for (const Rule& rule : panel.rules)
    if (rule.horizontal != is_x)
      values.push_back(rule.at);
  for (const Label& label : panel.labels)
    values.push_back(is_x ? label.x : label.y);
  return values;
}

double ticks_width(const Axis& axis) {
  if (!axis.labelled)
    return 0;
  double width = axis.ticks.empty() ? kNumberWidth : 0;
  for (const Tick& tick : axis.ticks)
    width = std::max(width, text_pixels(tick.text, kTextSize));
  return width;
}

// The plotting area within the rectangle that the panel has.
PanelLayout inside(const Panel& panel, double left, double right, double top, double bottom) {
  PanelLayout layout;
  const double legend = legend_width(panel);
  layout.left = left + kGap;
  layout.right = right - kGap - legend;
  layout.top = top + (panel.title.empty() ? 6 : 26);
  layout.bottom = bottom - kGap;
  if (panel.y.visible)
    layout.left += ticks_width(panel.y) + (panel.y.title.empty() ? 10 : 10 + kAxisTitleHeight);
  if (panel.x.visible)
    layout.bottom -= kTickHeight + (panel.x.title.empty() ? 0 : kAxisTitleHeight + kDescender);
  layout.legend_left = layout.right + kGap;
  layout.legend_top = layout.top;
  layout.x = range_of(panel.x, values_of(panel, true));
  layout.y = range_of(panel.y, values_of(panel, false));
  return layout;
}

// How much of a text that has no room on one line stands there: whole words, or as much of a word
// as there is room for where the word has none on any line.
std::size_t line_end(const std::string& text, double room) {
  std::size_t blank = 0, at = 0;
  while (at < text.size()) {
    const std::size_t next = at + character_length(text, at);
    if (text_pixels(text.substr(0, next), kTextSize) > room)
      break;
    if (text[at] == ' ')
      blank = at;
    at = next;
  }
  if (at < text.size() && text[at] == ' ')
    return at;
  const std::size_t start = blank > 0 ? blank + 1 : 0;
  const std::size_t word = std::min(text.find(' ', start), text.size()) - start;
  const bool fits = text_pixels(text.substr(start, word), kTextSize) <= room;
  return blank > 0 && fits ? blank : std::max<std::size_t>(at, 1);
}

} // namespace

double legend_width(const Panel& panel) {
  double width = 0;
  const auto add = [&](const std::string& title) {
    if (!title.empty())
      width = std::max(width, kSampleWidth + text_pixels(title, kTextSize));
  };
  for (const Series& series : panel.series)
    add(series.title);
  for (const Band& band : panel.bands)
    add(band.title);
  for (const Boxes& boxes : panel.boxes)
    add(boxes.title);
  for (const Rule& rule : panel.rules)
    add(rule.title);
  return panel.legend ? width : 0;
}

double text_pixels(const std::string& text, double size) {
  return 0.58 * size * static_cast<double>(display_width(text));
}

Range range_of(const Axis& axis, const std::vector<double>& values) {
  Range range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const double value : values) {
    if (!std::isfinite(value) || (axis.logarithmic && value <= 0))
      continue;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  }
  if (range.low > range.high)
    range = axis.logarithmic ? Range{1, 10} : Range{0, 1};
  if (axis.logarithmic) {
    const double room = std::max(std::pow(range.high / range.low, 0.05), 1.15);
    range = {range.low / room, range.high * room};
  } else {
    const bool from_zero = range.low >= 0;
    const double room = 0.06 * (range.high - (from_zero ? 0 : range.low));
    range = {from_zero ? 0 : range.low - room, range.high + room};
  }
  range = {axis.low.value_or(range.low), axis.high.value_or(range.high)};
  if (!(range.high > range.low)) // a single value, or nonsense
    range.high = axis.logarithmic ? 10 * range.low : range.low + 1;
  return range;
}

std::vector<Tick> linear_ticks(const Range& range, double most) {
  const double least_step = (range.high - range.low) / std::max(most, 1.0);
  const double decade = std::pow(10, std::floor(std::log10(least_step)));
  double step = 10 * decade;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * decade >= least_step * (1 - 1e-9))
      step = factor * decade;
  std::vector<Tick> ticks;
  const double first = std::ceil(range.low / step - 1e-9),
               last = std::floor(range.high / step + 1e-9);
  for (double n = first; n <= last; ++n)
    ticks.push_back({n * step, fmt::format("{:.6g}", n * step + 0.0)}); // no "-0"
  return ticks;
}

std::vector<Tick> ticks_of(const Axis& axis, const Range& range, double pixels, double room) {
  if (!axis.ticks.empty() || !axis.visible)
    return axis.ticks;
  const double most = pixels / room;
  return axis.logarithmic
             ? logarithmic_ticks(range)
             : linear_ticks(range, axis.whole ? std::min(most, range.high - range.low) : most);
}

std::vector<Tick> with_room(std::vector<Tick> ticks, const Axis& axis, const Range& range,
                            double pixels) {
  constexpr double kBetween = 4;
  const auto at = [&](const Tick& tick) {
    return pixels * (axis.logarithmic
                         ? std::log(tick.at / range.low) / std::log(range.high / range.low)
                         : (tick.at - range.low) / (range.high - range.low));
  };
  const auto collide = [&](const Tick& one, const Tick& other) {
    const double room =
        (text_pixels(one.text, kTextSize) + text_pixels(other.text, kTextSize)) / 2 + kBetween;
    return std::abs(at(one) - at(other)) < room;
  };
  const auto last = std::ranges::find_if(ticks.rbegin(), ticks.rend(),
                                         [](const Tick& tick) { return !tick.text.empty(); });
  const Tick* before = nullptr;
  for (Tick& tick : ticks) {
    if (tick.text.empty() || last == ticks.rend())
      continue;
    const bool is_last = &tick == &*last;
    if (!is_last && before && (collide(*before, tick) || collide(tick, *last)))
      tick.text.clear();
    else
      before = &tick;
  }
  return ticks;
}

std::vector<Tick> logarithmic_ticks(const Range& range) {
  const double span = range.high / range.low;
  const std::vector<double> steps = span > 2000 ? std::vector{1.0}
                                    : span > 12 ? std::vector{1.0, 2.0, 5.0}
                                                : std::vector{1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0};
  std::vector<Tick> ticks;
  for (double decade = std::pow(10, std::floor(std::log10(range.low))); decade <= range.high;
       decade *= 10)
    for (const double step : steps)
      if (const double at = step * decade; at >= range.low && at <= range.high)
        ticks.push_back({at, fmt::format("{:.10g}", at)});
  return ticks;
}

Plot with_whole_subtitles(Plot plot) {
  constexpr std::size_t kMostLines = 3;
  const double room = plot.width - kMargins;
  std::vector<std::string> lines;
  for (const std::string& subtitle : plot.subtitles) {
    std::string rest = shown_text(subtitle);
    for (std::size_t line = 1; line < kMostLines && text_pixels(rest, kTextSize) > room; ++line) {
      const std::size_t end = line_end(rest, room);
      lines.push_back(rest.substr(0, end));
      rest.erase(0, end + (rest[end] == ' ' ? 1 : 0));
    }
    lines.push_back(rest);
  }
  plot.height +=
      static_cast<int>(kSubtitleHeight) * static_cast<int>(lines.size() - plot.subtitles.size());
  plot.subtitles = lines;
  return plot;
}

std::vector<PanelLayout> layout_of(const Plot& plot) {
  double used = plot.title.empty() ? 4 : kTitleHeight;
  used += kSubtitleHeight * static_cast<double>(plot.subtitles.size());
  const double height = plot.height - used;
  double shares = 0;
  for (const Panel& panel : plot.panels)
    shares += panel.share;
  std::vector<PanelLayout> layouts;
  double before = 0;
  for (const Panel& panel : plot.panels) {
    const double first = before / shares, last = (before + panel.share) / shares;
    layouts.push_back(
        plot.side_by_side
            ? inside(panel, first * plot.width, last * plot.width, used, plot.height)
            : inside(panel, 0, plot.width, used + first * height, used + last * height));
    before += panel.share;
  }
  if (plot.side_by_side)
    return layouts;
  // One above the other: the same left and right, so that equal x stand above each other.
  double left = 0, right = plot.width;
  for (const PanelLayout& layout : layouts) {
    left = std::max(left, layout.left);
    right = std::min(right, layout.right);
  }
  for (PanelLayout& layout : layouts) {
    layout.left = left;
    layout.right = right;
    layout.legend_left = right + kGap;
  }
  return layouts;
}

} // namespace peakbench::report
