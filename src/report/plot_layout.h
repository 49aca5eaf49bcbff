// Where the panels of a plot lie and what their axes span. Pixels from the top left of the SVG.
#pragma once

#include <vector>

#include "report/plot.h"

namespace peakbench::report {

struct Range {
  double low = 0, high = 1;
};

struct PanelLayout {
  double left = 0, right = 0, top = 0, bottom = 0; // of the plotting area
  double legend_left = 0, legend_top = 0;
  Range x, y;
};
// Those of the axis, or else as many as have room on its length in pixels.
std::vector<Tick> ticks_of(const Axis& axis, const Range& range, double pixels, double room);
// Without the texts that would run into each other along an axis of so many pixels; the marks stay,
// and so do the first text and the last.
std::vector<Tick> with_room(std::vector<Tick> ticks, const Axis& axis, const Range& range,
                            double pixels);
inline constexpr double kTickRoomAcross = 70, kTickRoomUp = 36;

std::vector<PanelLayout> layout_of(const Plot& plot);
// Of the legend right of a panel; 0 if it has none.
double legend_width(const Panel& panel);

// What the axis spans: its own bounds, else room for the values, from zero where they allow it.
Range range_of(const Axis& axis, const std::vector<double>& values);
// Round values, `most` of them or fewer.
std::vector<Tick> linear_ticks(const Range& range, double most);
// Of a logarithmic axis: 1, 2, 5 of every decade, more where there is about one, or the decades
// alone where there are many.
std::vector<Tick> logarithmic_ticks(const Range& range);

// Subtitles that are wider than the picture go on in the line below, up to three lines each; the
// picture grows by as much.
Plot with_whole_subtitles(Plot plot);

// About as many pixels as a text takes in the font of a size.
double text_pixels(const std::string& text, double size);

inline constexpr double kTitleSize = 15, kTextSize = 11;
inline constexpr double kMargins = 28; // beside the lines at the top, both sides together
inline constexpr double kTitleHeight = 34, kSubtitleHeight = 16;

} // namespace peakbench::report
