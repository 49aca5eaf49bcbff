#include "report/plot.h"

#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "base/error.h"
#include "report/gnuplot_here.h"
#include "report/plot_layout.h"
#include "results/python.h"
#include "support/support.h"

namespace peakbench::report {
namespace {

using peakbench::testing::read_file;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Plot line(const std::vector<Point>& points, bool logarithmic) {
  Panel panel;
  panel.x = {.title = "depth", .unit = "layers", .logarithmic = logarithmic};
  panel.y = {.title = "memory", .unit = "MB"};
  panel.series = {{"one", {.colour = Colour::vermillion}, points}};
  return {.title = "A <title> & more", .subtitles = {"below"}, .panels = {panel}};
}

// The vertices of the first path in vermillion.
std::vector<std::pair<double, double>> vertices(const std::string& svg) {
  std::size_t at = svg.find("stroke='rgb(213,  94,   0)'");
  std::vector<std::pair<double, double>> found;
  if (at == svg.npos)
    return found;
  at = svg.find("d='", at) + 3;
  std::string path = svg.substr(at, svg.find('\'', at) - at);
  for (char& character : path)
    if (character == 'M' || character == 'L' || character == ',')
      character = ' ';
  std::istringstream numbers(path);
  for (double x = 0, y = 0; numbers >> x >> y;)
    found.emplace_back(x, y);
  return found;
}

// Where a value lies between the ends of its axis.
double share(double value, const Range& range, bool logarithmic) {
  if (logarithmic)
    return std::log(value / range.low) / std::log(range.high / range.low);
  return (value - range.low) / (range.high - range.low);
}

class PlotValues : public ::testing::TestWithParam<bool> {};

TEST_P(PlotValues, AreWhereTheyBelongInTheSvg) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const std::vector<Point> points{{10, 1.5}, {100, 7.25}, {400, 3}, {1000, 12.125}};
  const Plot plot = line(points, GetParam());
  const ScratchFolder scratch;
  save(plot, scratch.path(), "p");
  const PanelLayout layout = layout_of(plot).front();
  const auto drawn = vertices(read_file(scratch / "p.svg"));
  ASSERT_GE(drawn.size(), points.size()); // the legend's sample may come first
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto& [x, y] = drawn[drawn.size() - points.size() + i];
    EXPECT_NEAR(
        x, layout.left + (layout.right - layout.left) * share(points[i].x, layout.x, GetParam()),
        0.1);
    EXPECT_NEAR(
        y, layout.bottom - (layout.bottom - layout.top) * share(points[i].y, layout.y, false), 0.1);
    // Another value would lie elsewhere.
    EXPECT_GT(
        std::abs(share(points[i].y * 1.02, layout.y, false) - share(points[i].y, layout.y, false)) *
            (layout.bottom - layout.top),
        0.2);
  }
}

INSTANTIATE_TEST_SUITE_P(Axis, PlotValues, ::testing::Values(false, true),
                         [](const auto& one) { return one.param ? "logarithmic" : "linear"; });

TEST(PlotSave, WritesAnSvgThatIsXmlAndAPng) {
  PEAKBENCH_NEEDS_GNUPLOT();
  PEAKBENCH_NEEDS_PYTHON(python, "xml.dom.minidom");
  const ScratchFolder scratch;
  Plot plot = line({{1, 1}, {2, 2}}, false);
  for (int code = 1; code < 0x20; ++code) // none of these may be in XML
    plot.panels[0].labels.push_back({.x = 1, .y = 1, .text = std::string("a") + char(code) + "b"});
  plot.panels[0].labels.push_back({.x = 1, .y = 1, .text = "\xFF\xFE half \xE4\xBD, 你好 🎉 ﷽"});
  const auto files = save(plot, scratch / "made", "p");
  ASSERT_THAT(files, ::testing::ElementsAre(scratch / "made/p.svg", scratch / "made/p.png"));
  write_file(
      scratch / "parse.py",
      "import sys, xml.dom.minidom as m\n"
      "d = m.parse(sys.argv[1])\n"
      "print(d.documentElement.tagName, d.getElementsByTagName('title')[0].firstChild.data)\n");
  const auto parsed = results::testing::run_program(python + " " + (scratch / "parse.py").string() +
                                                    " " + files[0].string());
  EXPECT_EQ(parsed.status, 0);
  EXPECT_EQ(parsed.text, "svg A <title> & more\n");
  const std::string png = read_file(files[1]);
  ASSERT_GT(png.size(), 24u);
  EXPECT_EQ(png.substr(1, 3), "PNG");
  const auto width =
      static_cast<unsigned char>(png[18]) * 256 + static_cast<unsigned char>(png[19]);
  EXPECT_EQ(width, 2 * plot.width);
}

TEST(PlotSave, NeverOverwritesSilently) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const ScratchFolder scratch;
  write_file(scratch / "p.png", "mine");
  const Plot plot = line({{1, 1}, {2, 2}}, false);
  EXPECT_THAT([&] { save(plot, scratch.path(), "p"); },
              ThrowsMessage<UserError>(HasSubstr("already exists")));
  EXPECT_EQ(read_file(scratch / "p.png"), "mine");
  EXPECT_FALSE(std::filesystem::exists(scratch / "p.svg"));
  save(plot, scratch.path(), "p", true);
  EXPECT_EQ(read_file(scratch / "p.png").substr(1, 3), "PNG");
  write_file(scratch / "file", "");
  EXPECT_THROW(save(plot, scratch / "file", "p"), UserError);
}

TEST(StyleNumber, NeighboursDifferInMoreThanColour) {
  for (std::size_t n = 0; n < 7; ++n) {
    EXPECT_NE(style_number(n).colour, style_number(n + 1).colour);
    EXPECT_NE(style_number(n).marker, style_number(n + 1).marker);
    EXPECT_NE(style_number(n).dash, style_number(n + 1).dash);
  }
}

} // namespace
} // namespace peakbench::report
