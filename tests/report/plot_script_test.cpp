#include "report/plot_script.h"

#include <gmock/gmock.h>

#include "report/gnuplot_here.h"

namespace peakbench::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(GnuplotText, StandsForItself) {
  EXPECT_EQ(gnuplot_text("plain, é [MB]"), "\"plain, é [MB]\"");
  EXPECT_EQ(gnuplot_text("'\"`\\%$@{"), R"("\047\042\140\134\045\044\100\173")");
  EXPECT_EQ(gnuplot_text("a\nb"), "\"a↵b\"");
}

Plot example() {
  Panel panel;
  panel.x = {.title = "depth", .unit = "layers", .logarithmic = true};
  panel.y = {.title = "memory", .unit = "MB"};
  panel.series = {{"a", {}, {{10, 1}, {100, 2}, {kNoValue, kNoValue}, {1000, 3, 2.5, 3.5}}}};
  panel.boxes = {{"bars", Colour::blue, 1, {{10, 20, 0, 3}}}};
  panel.rules = {{"limit", {}, true, 2}};
  return {.title = "t", .subtitles = {}, .panels = {panel}};
}

TEST(PlotScript, HoldsTheDataAndTheirUnits) {
  const std::string script = script_of(example(), Canvas::svg);
  EXPECT_THAT(script, HasSubstr("\n10 1\n100 2\n\n1000 3\n"));
  EXPECT_THAT(script, HasSubstr("1000 3 2.5 3.5\n")); // the interval
  EXPECT_THAT(script, HasSubstr("15 1.5 10 20 0 3\n"));
  EXPECT_THAT(script, HasSubstr("\"depth [layers]\""));
  EXPECT_THAT(script, HasSubstr("set logscale x"));
  EXPECT_THAT(script, HasSubstr("unset logscale y"));
  EXPECT_THAT(script, HasSubstr("title \"limit\""));
}

TEST(PlotScript, ALongHeadlineEndsWithThePicture) {
  Plot plot = example();
  plot.subtitles = {std::string(1000, 'x')};
  const std::string script = script_of(plot, Canvas::svg);
  EXPECT_THAT(script, HasSubstr("xxx…"));
  EXPECT_THAT(script, Not(HasSubstr(std::string(200, 'x'))));
}

TEST(PlotScript, AnEmptyPanelCanBeDrawn) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const Plot plot{.title = "nothing", .subtitles = {}, .panels = {Panel{}}};
  EXPECT_THAT(run_gnuplot(script_of(plot, Canvas::svg)), HasSubstr("nothing"));
}

// A text must not reach gnuplot as anything but a text, nor the shell at all.
TEST(PlotScript, HostileTextsAreDrawnAsTheyAre) {
  PEAKBENCH_NEEDS_GNUPLOT();
  Plot plot = example();
  const std::vector<std::string> hostile{
      "'; !touch owned; '", "`touch owned`", "\"; system('touch owned'); \"",
      "{/Symbol a} x_1^2 @data1 \\n $data1 %d 50 %", "<b onload=alert(1)>&amp;"};
  for (const std::string& text : hostile) {
    plot.panels[0].labels.push_back({.x = 10, .y = 1, .text = text});
    plot.panels[0].series.push_back({text, {}, {{10, 1}, {20, 2}}});
    plot.panels[0].y.ticks.push_back(
        {1.0 * static_cast<double>(plot.panels[0].labels.size()), text});
    plot.subtitles.push_back(text);
  }
  const std::string svg = run_gnuplot(script_of(plot, Canvas::svg));
  EXPECT_NE(run_filter({"test", "-e", "owned"}, "").status, 0);
  EXPECT_THAT(svg, HasSubstr("'; !touch owned; '"));
  EXPECT_THAT(svg, HasSubstr("`touch owned`"));
  EXPECT_THAT(svg, HasSubstr("{/Symbol a} x_1^2 @data1 \\n $data1 %d 50 %"));
  EXPECT_THAT(svg, HasSubstr("&lt;b onload=alert(1)>&amp;amp;"));
  EXPECT_THAT(svg, Not(HasSubstr("<b onload")));
  EXPECT_EQ(run_gnuplot(script_of(plot, Canvas::png)).substr(1, 3), "PNG");
}

} // namespace
} // namespace peakbench::report
