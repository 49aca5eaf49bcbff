#include "report/plot_layout.h"

#include <gmock/gmock.h>

namespace peakbench::report {
namespace {

std::vector<std::string> texts(const std::vector<Tick>& ticks) {
  std::vector<std::string> all;
  for (const Tick& tick : ticks)
    all.push_back(tick.text);
  return all;
}

using ::testing::ElementsAre;

TEST(PlotLayout, LinearAxesStartAtZeroWhereTheyCan) {
  const Range positive = range_of({}, {2, 10, kNoValue});
  EXPECT_EQ(positive.low, 0);
  EXPECT_NEAR(positive.high, 10.6, 1e-9);
  EXPECT_LT(range_of({}, {-1, 1}).low, -1);
  const Range fixed = range_of({.low = 3.0, .high = 4.0}, {0, 100});
  EXPECT_EQ(fixed.low, 3);
  EXPECT_EQ(fixed.high, 4);
}

TEST(PlotLayout, AnyValuesGiveARangeThatCanBeDrawn) {
  for (const std::vector<double>& values : std::vector<std::vector<double>>{
           {}, {0}, {-3}, {7}, {kNoValue}, {std::numeric_limits<double>::infinity()}})
    for (const bool logarithmic : {false, true}) {
      const Range range = range_of({.logarithmic = logarithmic}, values);
      EXPECT_LT(range.low, range.high);
      EXPECT_TRUE(!logarithmic || range.low > 0);
    }
}

TEST(PlotLayout, TicksAreRoundAndFew) {
  EXPECT_THAT(texts(linear_ticks({0, 1.06}, 6)), ElementsAre("0", "0.2", "0.4", "0.6", "0.8", "1"));
  EXPECT_THAT(texts(linear_ticks({0, 45}, 3)), ElementsAre("0", "20", "40"));
  EXPECT_THAT(texts(linear_ticks({-0.6, 49.6}, 5)), ElementsAre("0", "20", "40"));
  EXPECT_THAT(texts(linear_ticks({-1, 1}, 4)), ElementsAre("-1", "-0.5", "0", "0.5", "1"));
  EXPECT_THAT(texts(logarithmic_ticks({0.9, 30})), ElementsAre("1", "2", "5", "10", "20"));
  EXPECT_THAT(texts(logarithmic_ticks({0.9, 4.5})), ElementsAre("1", "1.5", "2", "3", "4"));
  EXPECT_THAT(texts(logarithmic_ticks({0.9, 30000})),
              ElementsAre("1", "10", "100", "1000", "10000"));
}

TEST(PlotLayout, CountsHaveTicksAtWholeNumbersOnly) {
  const Range range{-0.6, 3.6};
  EXPECT_THAT(texts(ticks_of({.whole = true}, range, 400, 40)), ElementsAre("0", "1", "2", "3"));
  EXPECT_GT(ticks_of({}, range, 400, 40).size(), 4u);
  EXPECT_THAT(texts(ticks_of({.whole = true}, {0, 45}, 400, 130)), ElementsAre("0", "20", "40"));
}

TEST(PlotLayout, TextsAlongAnAxisDoNotRunIntoEachOther) {
  const Axis axis{.logarithmic = true};
  const std::vector<Tick> ticks{
      {8, "8 B"}, {1 << 20, "1 MiB"}, {1 << 24, "16 MiB"}, {1 << 26, "64 MiB"}};
  const Range range{8, 1 << 26};
  EXPECT_THAT(texts(with_room(ticks, axis, range, 350)), ElementsAre("8 B", "1 MiB", "", "64 MiB"));
  EXPECT_THAT(texts(with_room(ticks, axis, range, 2000)),
              ElementsAre("8 B", "1 MiB", "16 MiB", "64 MiB"));
  EXPECT_THAT(texts(with_room(ticks, axis, range, 60)), ElementsAre("8 B", "", "", "64 MiB"));
  EXPECT_EQ(with_room(ticks, axis, range, 60)[1].at, 1 << 20) << "its mark stays";
  EXPECT_THAT(texts(with_room({{1, "one"}}, {}, {0, 2}, 10)), ElementsAre("one"));
  EXPECT_TRUE(with_room({}, {}, {0, 2}, 10).empty());
}

TEST(PlotLayout, LongSubtitlesGoOnInTheLineBelow) {
  Plot plot;
  plot.width = 400;
  plot.subtitles = {"short",
                    "model with_a_very_long_name_indeed_that_takes_a_line, bfloat16; branch "
                    "factor 3, temperature 0.8"};
  const Plot whole = with_whole_subtitles(plot);
  ASSERT_EQ(whole.subtitles.size(), 3u);
  EXPECT_EQ(whole.subtitles[0], "short");
  EXPECT_EQ(whole.subtitles[1] + " " + whole.subtitles[2], plot.subtitles[1]);
  for (const std::string& line : whole.subtitles)
    EXPECT_LE(text_pixels(line, kTextSize), plot.width - kMargins);
  EXPECT_EQ(whole.height, plot.height + kSubtitleHeight);
  plot.subtitles = {"cow; " + std::string(100, 'x') + ", bfloat16"}; // a word of two lines
  const std::vector<std::string> broken = with_whole_subtitles(plot).subtitles;
  ASSERT_EQ(broken.size(), 2u);
  EXPECT_EQ(broken[0] + broken[1], plot.subtitles[0]);
  for (const std::string& line : broken)
    EXPECT_LE(text_pixels(line, kTextSize), plot.width - kMargins);
  std::string words;
  for (int i = 0; i < 500; ++i)
    words += "word ";
  plot.subtitles = {words};
  EXPECT_EQ(with_whole_subtitles(plot).subtitles.size(), 3u);
}

TEST(PlotLayout, PanelsDoNotOverlapAndLieInside) {
  Panel panel;
  panel.x = {.title = "x"};
  panel.y = {.title = "y"};
  panel.series = {{"a long title in the legend", {}, {{0, 0}, {1, 1}}}};
  for (const bool side_by_side : {false, true}) {
    Plot plot{.title = "t", .subtitles = {"s"}, .panels = {panel, panel}};
    plot.side_by_side = side_by_side;
    const std::vector<PanelLayout> layouts = layout_of(plot);
    ASSERT_EQ(layouts.size(), 2u);
    for (const PanelLayout& layout : layouts) {
      EXPECT_GT(layout.left, 0);
      EXPECT_GT(layout.right, layout.left + 50);
      EXPECT_LT(layout.legend_left, plot.width);
      EXPECT_GT(layout.top, kTitleHeight + kSubtitleHeight);
      EXPECT_LT(layout.bottom, plot.height);
    }
    if (side_by_side)
      EXPECT_LT(layouts[0].legend_left, layouts[1].left);
    else
      EXPECT_LT(layouts[0].bottom, layouts[1].top);
  }
}

} // namespace
} // namespace peakbench::report
