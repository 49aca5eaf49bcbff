#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "report/eab_plots.h"
#include "report/traces.h"

namespace peakbench::report {
namespace {

using testing::example_trace;
using ::testing::HasSubstr;
using testing::traced_case;

const Series& series_of(const Panel& panel, const std::string& title) {
  return *std::ranges::find(panel.series, title, &Series::title);
}
bool has_point(const Series& series, double x, double y) {
  return std::ranges::any_of(series.points,
                             [&](const Point& point) { return point.x == x && point.y == y; });
}

TEST(EntropyPlot, ShowsEveryEntropyAndEveryBranchPointOnce) {
  const results::EabTrace trace = example_trace();
  const Plot plot = entropy_plot({traced_case(), trace, "Why\nare there tides?"});
  ASSERT_EQ(plot.panels.size(), 2u);
  const Panel& panel = plot.panels[0];
  for (const auto& node : trace.nodes)
    EXPECT_TRUE(has_point(series_of(panel, "path"), node.position, node.entropy) ||
                has_point(series_of(panel, "pruned path"), node.position, node.entropy));
  EXPECT_TRUE(has_point(series_of(panel, "pruned path"), 3, 0.55));
  EXPECT_FALSE(has_point(series_of(panel, "pruned path"), 1, 0.6));
  const Series& branched = series_of(panel, "branch point");
  ASSERT_EQ(branched.points.size(), 2u);
  EXPECT_TRUE(has_point(branched, 1, 0.6));
  EXPECT_TRUE(has_point(branched, 3, 0.55));
  EXPECT_EQ(series_of(panel, "end of a sample").points.size(), 3u);
  // The most likely one: four tokens, then an interruption.
  const Series& best = series_of(panel, "most likely sample");
  ASSERT_EQ(best.points.size(), 5u);
  EXPECT_EQ(best.points[2].y, 0.1);
  EXPECT_TRUE(std::isnan(best.points[4].y));
  ASSERT_EQ(panel.rules.size(), 1u);
  EXPECT_EQ(panel.rules[0].at, 0.5);
  EXPECT_EQ(panel.rules[0].title, "threshold 0.5");
  EXPECT_THAT(plot.subtitles[0], HasSubstr("Why↵are there tides?"));
}

TEST(EntropyPlot, CountsTheTokensOfEveryPosition) {
  const results::EabTrace trace = example_trace();
  const Plot plot = entropy_plot({traced_case(), trace, ""});
  const std::vector<Box>& bars = plot.panels[1].boxes[0].boxes;
  ASSERT_EQ(bars.size(), 4u);
  EXPECT_EQ(bars[1].y_high, 3);
  EXPECT_EQ(bars[2].y_high, 2);
  EXPECT_EQ(bars[3].y_high, 3);
  EXPECT_EQ(plot.panels[1].rules[0].at, 3); // max_paths
}

TEST(EntropyPlot, IndependentSamplesHaveNoThreshold) {
  results::EabCase record = traced_case();
  record.arm = "naive";
  const results::EabTrace trace = example_trace();
  const Plot plot = entropy_plot({record, trace, ""});
  EXPECT_TRUE(plot.panels[0].rules.empty());
  EXPECT_TRUE(plot.panels[1].rules.empty());
}

} // namespace
} // namespace peakbench::report
