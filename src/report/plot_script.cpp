#include "report/plot_script.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>
#include <cmath>
#include <string_view>

#include "report/drawable.h"
#include "report/plot_layout.h"
#include "report/shown_text.h"

namespace peakbench::report {

namespace {

constexpr const char* kColours[] = {"000000", "404040", "808080", "C4C4C4", "E69F00",
                                    "56B4E9", "009E73", "0072B2", "D55E00", "CC79A7"};
constexpr int kMarkers[] = {0, 7, 6, 5, 4, 9, 13, 2, 1}; // gnuplot's numbers

std::string colour(Colour name, double opacity = 1) {
  const auto transparency = static_cast<int>(std::lround(255 * (1 - opacity)));
  return fmt::format("rgb '#{:02X}{}'", transparency, kColours[static_cast<int>(name)]);
}

std::string line(const Style& style) {
  return fmt::format("lc {} lw {} dt {}", colour(style.colour, style.opacity), style.width,
                     1 + static_cast<int>(style.dash));
}

std::string title(const std::string& text, bool legend) {
  return text.empty() || !legend ? "notitle" : "title " + gnuplot_text(text);
}

class Script {
public:
  Script(const Plot& plot, Canvas canvas) : plot_(plot) { begin(canvas); }

  std::string text() && {
    const std::vector<PanelLayout> layouts = layout_of(plot_);
    add("set multiplot");
    for (std::size_t i = 0; i < plot_.panels.size(); ++i)
      draw(plot_.panels[i], layouts[i], i == 0);
    add("unset multiplot");
    return std::move(text_);
  }

private:
  template <class... Values>
  void add(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    text_ += '\n';
  }
  double across(double pixels) const { return pixels / plot_.width; }
  double up(double pixels) const { return 1 - pixels / plot_.height; }

  void begin(Canvas canvas) {
    add("set encoding utf8");
    if (canvas == Canvas::svg)
      add("set terminal svg noenhanced rounded size {},{} dynamic dashlength 0.6 font "
          "'sans-serif,{}' "
          "background "
          "rgb '#FFFFFF'",
          plot_.width, plot_.height, kTextSize);
    else // its points are 4/3 pixels
      add("set terminal pngcairo noenhanced rounded size {},{} fontscale 1.5 linewidth 2 "
          "pointscale 2 "
          "dashlength 0.6 font "
          "'sans-serif,{}' background rgb '#FFFFFF'",
          2 * plot_.width, 2 * plot_.height, kTextSize);
    add("set border 3 lc rgb '#808080'");
    add("set tics nomirror out textcolor rgb '#404040'");
    add("set format '%g'");
  }

  // A text at the top, cut where the picture ends.
  void headline(const std::string& text, double at, double size, const char* rgb) {
    const auto columns =
        static_cast<std::size_t>((plot_.width - kMargins) / text_pixels("x", size));
    add("set label {} at screen {},{} left font 'sans-serif,{}' tc rgb '{}'",
        gnuplot_text(cut_to_width(shown_text(text), columns)), across(14), up(at), size, rgb);
  }

  void caption() {
    if (!plot_.title.empty())
      headline(plot_.title, 20, kTitleSize, "#000000");
    double at = kTitleHeight + 4;
    for (const std::string& subtitle : plot_.subtitles) {
      headline(subtitle, at, kTextSize, "#404040");
      at += kSubtitleHeight;
    }
  }

  void draw_axis(const Axis& axis, const Range& range, const std::vector<Tick>& ticks, char name) {
    add("{} logscale {}", axis.logarithmic ? "set" : "unset", name);
    add("set {}range [{}:{}]", name, range.low, range.high);
    const std::string text = axis.unit.empty() ? axis.title : axis.title + " [" + axis.unit + "]";
    add("set {}label {} tc rgb '#000000'", name, gnuplot_text(text));
    if (!axis.visible)
      return add("unset {}tics", name);
    std::string list;
    for (const Tick& tick : ticks) {
      std::string plain;
      for (const char character :
           axis.labelled ? tick.text : std::string()) // a tick's text is a format
        plain += character == '%' ? std::string("%%") : std::string(1, character);
      list += fmt::format("{}{} {}", list.empty() ? "" : ", ", gnuplot_text(plain), tick.at);
    }
    add("set {}tics ({})", name, list);
  }

  void frame(const Panel& panel, const PanelLayout& layout) {
    add("set lmargin at screen {}", across(layout.left));
    add("set rmargin at screen {}", across(layout.right));
    add("set tmargin at screen {}", up(layout.top));
    add("set bmargin at screen {}", up(layout.bottom));
    add("set border {}", (panel.x.visible ? 1 : 0) + (panel.y.visible ? 2 : 0));
    const double across_pixels = layout.right - layout.left;
    draw_axis(panel.x, layout.x,
              with_room(ticks_of(panel.x, layout.x, across_pixels, kTickRoomAcross), panel.x,
                        layout.x, across_pixels),
              'x');
    draw_axis(panel.y, layout.y,
              ticks_of(panel.y, layout.y, layout.bottom - layout.top, kTickRoomUp), 'y');
    add("unset grid");
    // Lines where values are read off: not across rows of bars.
    if (panel.y.visible && panel.y.ticks.empty())
      add("set grid ytics lt 1 lc rgb '#E4E4E4' lw 0.7");
    if (panel.x.visible && !(panel.y.visible && panel.y.ticks.empty()))
      add("set grid xtics lt 1 lc rgb '#E4E4E4' lw 0.7");
    if (!panel.title.empty())
      add("set label {} at graph 0, graph 1 left offset screen 0,{} font 'sans-serif,{}' "
          "tc rgb '#000000'",
          gnuplot_text(panel.title), 14.0 / plot_.height, kTextSize + 1);
    add("set key at screen {},{} left top vertical Left reverse samplen 3.6 spacing 1.25 "
        "noenhanced",
        across(layout.legend_left), up(layout.legend_top));
  }

  void labels(const Panel& panel) {
    constexpr const char* kAnchors[] = {"left", "center", "right"};
    for (const Label& label : panel.labels)
      add("set label {} at first {}, first {} {} offset screen {},{} font '{},{}' tc {} front",
          gnuplot_text(label.text), label.x, label.y, kAnchors[static_cast<int>(label.anchor)],
          label.move_x / plot_.width, label.move_y / plot_.height,
          label.monospace ? "monospace" : "sans-serif", label.size, colour(label.colour));
  }

  // A datablock, whose name it returns. Empty: no name.
  std::string data(const std::vector<Point>& points, bool intervals) {
    std::string rows;
    for (const Point& point : points) {
      if (intervals && (std::isnan(point.low) || std::isnan(point.high)))
        continue;
      if (!std::isfinite(point.x) || !std::isfinite(point.y))
        rows += "\n"; // interrupts the line
      else if (intervals)
        rows += fmt::format("{} {} {} {}\n", point.x, point.y, point.low, point.high);
      else
        rows += fmt::format("{} {}\n", point.x, point.y);
    }
    return block(rows);
  }

  std::string block(const std::string& rows) {
    if (rows.find_first_not_of('\n') == rows.npos)
      return "";
    const std::string name = fmt::format("$data{}", ++blocks_);
    text_ += name + " << END\n" + rows + "END\n";
    return name;
  }

  void add_series(const Series& series, bool legend) {
    const std::string name = data(series.points, false);
    if (name.empty())
      return;
    const Style& style = series.style;
    const std::string points =
        fmt::format("pt {} ps {}", kMarkers[static_cast<int>(style.marker)], 0.8 * style.size);
    const std::string with = series.steps                   ? "steps " + line(style)
                             : style.marker == Marker::none ? "lines " + line(style)
                             : style.width == 0
                                 ? "points lc " + colour(style.colour, style.opacity) + " " + points
                                 : "linespoints " + line(style) + " " + points;
    // Beneath the series: gnuplot clears the middle of an error bar.
    if (const std::string intervals = data(series.points, true); !intervals.empty())
      elements_.push_back(fmt::format("{} using 1:2:3:4 with yerrorbars lc {} lw 1 ps 0 notitle",
                                      intervals, colour(style.colour, style.opacity)));
    elements_.push_back(
        fmt::format("{} using 1:2 with {} {}", name, with, title(series.title, legend)));
  }

  void add_band(const Band& band, bool legend) {
    constexpr const char* kFills[] = {"solid 1", "pattern 5", "pattern 4"};
    std::string rows;
    for (std::size_t i = 0; i < band.points.size(); ++i) {
      const BandPoint& point = band.points[i];
      rows += fmt::format("{} {} {}\n", point.x, point.low, point.high);
      if (i + 1 < band.points.size())
        rows += fmt::format("{} {} {}\n", band.points[i + 1].x, point.low, point.high);
    }
    const std::string name = block(rows);
    if (name.empty())
      return;
    elements_.push_back(fmt::format("{} using 1:2:3 with filledcurves fs {} noborder lc {} {}",
                                    name, kFills[static_cast<int>(band.fill)], colour(band.colour),
                                    title(band.title, legend)));
    edges_.push_back(
        fmt::format("{} using 1:3 with lines lw 0.5 lc {} notitle", name, colour(Colour::black)));
  }

  void add_boxes(const Boxes& group, bool legend) {
    std::string rows;
    for (const Box& box : group.boxes)
      rows +=
          fmt::format("{} {} {} {} {} {}\n", (box.x_low + box.x_high) / 2,
                      (box.y_low + box.y_high) / 2, box.x_low, box.x_high, box.y_low, box.y_high);
    if (const std::string name = block(rows); !name.empty())
      elements_.push_back(
          fmt::format("{} using 1:2:3:4:5:6 with boxxyerror fs solid 1 noborder lc {} {}", name,
                      colour(group.colour, group.opacity), title(group.title, legend)));
  }

  void draw(const Panel& panel, const PanelLayout& layout, bool first) {
    add("unset label");
    if (first)
      caption();
    frame(panel, layout);
    labels(panel);
    elements_.clear();
    edges_.clear();
    for (const Band& band : panel.bands)
      add_band(band, panel.legend);
    elements_.insert(elements_.end(), edges_.begin(), edges_.end());
    for (const Boxes& group : panel.boxes)
      add_boxes(group, panel.legend);
    for (const Rule& rule : panel.rules) {
      const Point from =
          rule.horizontal ? Point{layout.x.low, rule.at} : Point{rule.at, layout.y.low};
      const Point to =
          rule.horizontal ? Point{layout.x.high, rule.at} : Point{rule.at, layout.y.high};
      add_series({rule.title, rule.style, {from, to}, false}, panel.legend);
    }
    for (const Series& series : panel.series)
      add_series(series, panel.legend);
    if (elements_.empty())
      elements_.emplace_back("NaN notitle");
    add("plot {}", fmt::join(elements_, ", \\\n  "));
  }

  const Plot& plot_;
  std::string text_;
  std::vector<std::string> elements_, edges_; // edges: between bands
  int blocks_ = 0;
};

} // namespace

std::string gnuplot_text(const std::string& text) {
  constexpr std::string_view kPlain = " ,.:;()[]+-=/_#*!?<>";
  std::string result = "\"";
  for (const char character : shown_text(text)) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x80 || std::isalnum(byte) || kPlain.find(character) != kPlain.npos)
      result += character;
    else // quotes, backslash, backquote, percent, ...
      result += fmt::format("\\{:03o}", byte);
  }
  return result + "\"";
}

std::string script_of(const Plot& plot, Canvas canvas) {
  const Plot whole = with_whole_subtitles(plot);
  std::string script = Script(whole, canvas).text();
  return canvas == Canvas::png ? drawable(script) : script;
}

} // namespace peakbench::report
