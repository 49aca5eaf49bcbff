// Pictures within the page, and what they show as figures.
#include <algorithm>
#include <cmath>

#include "report/html_parts.h"
#include "report/html_svg.h"
#include "report/html_text.h"
#include "report/numbers.h"
#include "report/plot_layout.h"
#include "report/shown_text.h"

namespace peakbench::report {

namespace {

constexpr std::size_t kMostPoints = 400;

std::string titled(const Axis& axis) {
  return axis.unit.empty() ? axis.title : axis.title + " [" + axis.unit + "]";
}

// As the axis says it.
std::string value_text(const Axis& axis, double value) {
  for (const Tick& tick : axis.ticks)
    if (std::abs(tick.at - value) < 1e-9)
      return tick.text;
  return number(value);
}

bool is_measured(const Panel& panel) {
  return panel.x.visible && panel.y.visible && !(panel.x.title.empty() && panel.y.title.empty());
}

void add_rows(Table& table, const Panel& panel, const std::string& name) {
  for (const Series& series : panel.series)
    for (const Point& point : series.points)
      if (!series.title.empty() && std::isfinite(point.x) && std::isfinite(point.y))
        table.rows.push_back({name, series.title, value_text(panel.x, point.x),
                              value_text(panel.y, point.y), number(point.low), number(point.high)});
}

// The points of all named lines. Bars say their figures in the picture, and a drawing (a tree) has
// none.
Table figures_of(const Plot& plot) {
  Table table;
  table.title = "Figures of: " + plot.title;
  for (const char* title : {"panel", "line", "x", "y", "lower end", "upper end"})
    table.columns.push_back({title, "", table.columns.size() < 2});
  for (const Panel& panel : plot.panels)
    if (is_measured(panel))
      add_rows(table, panel,
               panel.title + (panel.title.empty() ? "" : ": ") + titled(panel.y) + " by " +
                   titled(panel.x));
  if (table.rows.size() > kMostPoints) {
    table.notes.push_back("The first " + std::to_string(kMostPoints) + " of " +
                          std::to_string(table.rows.size()) + ".");
    table.rows.resize(kMostPoints);
  }
  return table;
}

std::string description_of(const Plot& plot) {
  std::string text;
  for (const Panel& panel : plot.panels) {
    text += text.empty() ? "" : " ";
    text += panel.title.empty() ? "Panel:" : panel.title + ":";
    text += is_measured(panel) ? " " + titled(panel.y) + " by " + titled(panel.x) : " a drawing";
    std::string names;
    for (const Boxes& group : panel.boxes)
      if (!group.title.empty())
        names += (names.empty() ? "" : ", ") + group.title;
    for (const Series& series : panel.series)
      if (!series.title.empty())
        names += (names.empty() ? "" : ", ") + series.title;
    text += (names.empty() ? "" : "; of " + names) + std::string(".");
  }
  return text;
}

// The page says title and subtitles itself: as text that wraps, and that a reader can select.
Plot without_caption(Plot plot) {
  const double caption =
      kTitleHeight + kSubtitleHeight * static_cast<double>(plot.subtitles.size());
  plot.height -= static_cast<int>(caption) - 4; // what is left above panels without a caption
  plot.title.clear();
  plot.subtitles.clear();
  return plot;
}

// Such lines tell how to read a picture, not of what it is.
bool is_sentence(const std::string& subtitle) {
  return subtitle.ends_with('.') || subtitle.starts_with("Not shown");
}

// What the lines below a title tell, one by one: "width 128", "optimizer muon".
std::vector<std::string> parts_of(const Plot& plot) {
  std::vector<std::string> parts;
  for (const std::string& subtitle : plot.subtitles)
    for (std::size_t at = is_sentence(subtitle) ? subtitle.size() : 0; at < subtitle.size();) {
      const std::size_t end =
          std::min({subtitle.find(", ", at), subtitle.find("; ", at), subtitle.size()});
      parts.push_back(subtitle.substr(at, end - at));
      at = end + 2;
    }
  return parts;
}

bool tells_setting(const std::string& part) {
  for (const char* other : {"repeat", "medians", "interval"})
    if (part.find(other) != part.npos)
      return false;
  return true;
}

// The settings by which a picture differs from the others of its title.
std::string difference(const Plot& plot, const std::vector<const Plot*>& others) {
  std::vector<std::string> own;
  for (const std::string& part : parts_of(plot)) {
    const auto has = [&](const Plot* other) {
      return std::ranges::count(parts_of(*other), part) > 0;
    };
    if (tells_setting(part) && !std::ranges::all_of(others, has) && !std::ranges::count(own, part))
      own.push_back(part);
  }
  std::string text;
  for (const std::string& part : own) {
    const auto says_more = [&](const std::string& other) { return other.ends_with(" " + part); };
    if (std::ranges::none_of(own, says_more)) // "muon" beside "optimizer muon"
      text += (text.empty() ? "" : ", ") + part;
  }
  return shown_text(text);
}

// How wide a picture may stand in a page, in hundreds of its own pixels: report.css has a class for
// each, so that texts can be read on a phone, and do not shout on a wide screen.
std::string width_class(const Plot& plot) {
  return "wide" + std::to_string(std::clamp(plot.width / 100, 3, 20));
}

} // namespace

std::vector<std::string> figure_titles(const std::vector<NamedPlot>& plots) {
  std::vector<std::string> titles;
  for (const NamedPlot& named : plots) {
    std::vector<const Plot*> others;
    for (const NamedPlot& other : plots)
      if (&other != &named && other.plot.title == named.plot.title)
        others.push_back(&other.plot);
    const std::string own = difference(named.plot, others);
    titles.push_back(named.plot.title + (own.empty() ? "" : " (" + own + ")"));
  }
  return titles;
}

HtmlBlock figure_block(const NamedPlot& named, const std::string& title, const std::string& id) {
  const std::string svg = svg_in_page(svg_of(without_caption(named.plot)),
                                      {id + "-", title, description_of(named.plot)});
  std::string html;
  for (const std::string& subtitle : named.plot.subtitles)
    html += paragraph(shown_text(subtitle), "note");
  html += "<div class=\"scroll picture " + width_class(named.plot) +
          "\" role=\"region\" tabindex=\"0\" aria-label=\"" + escaped_line("picture: " + title) +
          "\">" + svg + "</div>\n";
  const Table table = figures_of(named.plot);
  if (!table.rows.empty()) {
    html += "<details><summary>Its figures as a table</summary>\n" + table_html(table, table.title);
    for (const std::string& note : table.notes)
      html += paragraph(note, "note");
    html += "</details>\n";
  }
  return {id, title, html};
}

} // namespace peakbench::report
