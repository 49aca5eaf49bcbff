#include "report/scaling_plots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/file_plots.h"
#include "report/gnuplot_here.h"
#include "report/scaling_examples.h"
#include "support/support.h"

namespace peakbench::report {
namespace {

using testing::scaling_run;

const Series& series_of(const Panel& panel, const std::string& title) {
  const auto found = std::ranges::find(panel.series, title, &Series::title);
  if (found == panel.series.end())
    throw std::runtime_error("no series " + title);
  return *found;
}

TEST(ScalingPlots, CasesPerSecondVersusRanksBesideTheIdeal) {
  const auto plots = scaling_plots(scaling_run().scaling);
  ASSERT_EQ(plots.size(), 1u);
  EXPECT_EQ(plots[0].name, "scaling-over-ranks");
  const Plot& plot = plots[0].plot;
  ASSERT_EQ(plot.panels.size(), 2u);
  const Series& dynamic = series_of(plot.panels[0], "dynamic");
  ASSERT_EQ(dynamic.points.size(), 3u);
  EXPECT_DOUBLE_EQ(dynamic.points[1].x, 2);
  EXPECT_DOUBLE_EQ(dynamic.points[1].y, 3.2);
  EXPECT_DOUBLE_EQ(dynamic.points[1].low, 3.2 / 1.25);
  EXPECT_DOUBLE_EQ(dynamic.points[1].high, 3.2 / 0.8);
  const Series& ideal = series_of(plot.panels[0], "ideal");
  EXPECT_DOUBLE_EQ(ideal.points.back().x, 4);
  EXPECT_DOUBLE_EQ(ideal.points.back().y, 8);
  EXPECT_EQ(series_of(plot.panels[0], "static").points.size(), 2u) << "one did not finish";
  EXPECT_EQ(plot.panels[1].title, "weak");
}

// A hash says nothing to a reader, unless it is what two pictures differ in.
TEST(ScalingPlots, SayOfWhichCasesTheyAreWhereThereAreSeveral) {
  auto cases = scaling_run().scaling;
  const auto one = scaling_plots(cases);
  for (const std::string& line : one.at(0).plot.subtitles)
    EXPECT_THAT(line, ::testing::Not(::testing::HasSubstr("workload")));
  for (results::ScalingCase row : scaling_run().scaling) {
    row.workload = "v";
    cases.push_back(row);
  }
  const auto plots = scaling_plots(cases);
  ASSERT_EQ(plots.size(), 2u);
  EXPECT_EQ(plots[0].plot.subtitles.at(0), "workload v");
  EXPECT_EQ(plots[1].plot.subtitles.at(0), "workload w");
}

TEST(ScalingPlots, OneNumberOfRanksIsNoPicture) {
  EXPECT_TRUE(scaling_plots({}).empty());
  EXPECT_TRUE(scaling_plots({testing::scaling_case("strong", "static", 2, 8, 1)}).empty());
}

TEST(ScalingPlots, AreAmongThePicturesOfAFile) {
  const auto plots = plots_of({scaling_run()});
  EXPECT_TRUE(std::ranges::any_of(
      plots, [](const NamedPlot& plot) { return plot.name == "scaling-over-ranks"; }));
}

TEST(ScalingPlots, CanBeDrawn) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const peakbench::testing::ScratchFolder scratch;
  const auto files = save_all(scaling_plots(scaling_run().scaling), scratch.path(), false);
  ASSERT_EQ(files.size(), 2u);
  for (const auto& file : files)
    EXPECT_GT(std::filesystem::file_size(file), 1000u);
}

} // namespace
} // namespace peakbench::report
