// A picture as data, and save(), which has gnuplot draw it. What a picture shows is decided where
// it is made (eab_plots.h); how things look is decided here, once for all pictures.
#pragma once

#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace peakbench::report {

// Colours that colour-blind readers can tell apart (Okabe and Ito), and greys.
enum class Colour {
  black,
  dark_grey,
  grey,
  light_grey,
  orange,
  sky,
  green,
  blue,
  vermillion,
  purple
};
enum class Dash { solid, dashed, dotted, dash_dot };
enum class Marker { none, disc, circle, square, box, triangle, diamond, cross, plus };

struct Style {
  Colour colour = Colour::black;
  Dash dash = Dash::solid;
  Marker marker = Marker::none;
  double width = 1.5; // of the line, in pixels; 0: no line
  double size = 1;    // of the markers
  double opacity = 1; // of both
};
// The n-th of a row of styles that differ in colour and marker, for print in grey also in dash.
Style style_number(std::size_t n);

inline constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

// NaN interrupts a line. `low` and `high`: an interval of y.
struct Point {
  double x = 0, y = 0, low = kNoValue, high = kNoValue;
};
struct Series {
  std::string title = {}; // in the legend; empty: not there
  Style style = {};
  std::vector<Point> points = {};
  bool steps = false; // horizontal, then up or down
};

// Filled rectangles: bars of any kind.
struct Box {
  double x_low = 0, x_high = 0, y_low = 0, y_high = 0;
};
struct Boxes {
  std::string title;
  Colour colour = Colour::blue;
  double opacity = 1;
  std::vector<Box> boxes;
};

// A band between two lines that move in steps: as high as a point says until the next one's x.
enum class Fill { solid, rising, falling }; // the last two: hatched
struct BandPoint {
  double x = 0, low = 0, high = 0;
};
struct Band {
  std::string title;
  Colour colour = Colour::blue;
  Fill fill = Fill::solid;
  std::vector<BandPoint> points;
};

// A straight line across the whole panel.
struct Rule {
  std::string title = {};
  Style style = {};
  bool horizontal = true;
  double at = 0;
};

enum class Anchor { left, centre, right };
struct Label {
  double x = 0, y = 0;
  std::string text = {}; // any text: it is made fit to be shown
  Anchor anchor = Anchor::left;
  Colour colour = Colour::black;
  double size = 10; // of the font, in pixels
  bool monospace = false;
  double move_x = 0, move_y = 0; // in pixels, to the right and up
};

struct Tick {
  double at = 0;
  std::string text;
};
struct Axis {
  std::string title = {};
  std::string unit = {}; // shown behind the title in brackets
  bool logarithmic = false;
  bool visible = true;
  bool labelled = true; // ticks have texts; not where the panel beside has the same axis
  bool whole = false;   // counts: nothing is between two whole numbers
  std::optional<double> low = {}, high = {}; // else from the data
  std::vector<Tick> ticks = {};              // else chosen
};

struct Panel {
  std::string title;
  Axis x, y;
  std::vector<Band> bands;    // beneath all else
  std::vector<Boxes> boxes;   // drawn in this order,
  std::vector<Series> series; // these above them
  std::vector<Rule> rules;
  std::vector<Label> labels;
  bool legend = true;
  double share = 1; // of the picture's height, or width where panels stand side by side
};

struct Plot {
  std::string title;
  std::vector<std::string> subtitles;
  std::vector<Panel> panels;
  bool side_by_side = false;
  int width = 900, height = 520; // pixels of the SVG; the PNG has twice as many each way
};

// As SVG, drawn by gnuplot. UserError if gnuplot is missing.
std::string svg_of(const Plot& plot);

// The files that save() writes: DIRECTORY/NAME.svg and .png.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& directory,
                                            const std::string& name);
// UserError if one of them is there: for whoever wants to know before the work is done.
void check_absent(const std::vector<std::filesystem::path>& files);
// Makes the folder and writes both files, each of which appears complete or not at all. UserError
// if one exists and may not be overwritten, if it cannot be written, or if gnuplot is missing.
std::vector<std::filesystem::path> save(const Plot& plot, const std::filesystem::path& directory,
                                        const std::string& name, bool overwrite = false);

// UserError if gnuplot cannot be started. For programs that would else find out after hours.
void require_gnuplot();

} // namespace peakbench::report
