#include "report/ep_plots.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "report/ep_plot_parts.h"
#include "report/ep_training_examples.h"
#include "report/file_plots.h"
#include "report/gnuplot_here.h"
#include "support/support.h"

namespace peakbench::report {
namespace {

using results::EpCase;
using results::EpTrace;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::ep_case;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::training_run;

EpTrace no_trace(const EpCase&) { return {}; }

// Two layers reached, one not; energy falls.
EpTrace short_trace(const EpCase& row) {
  const bool settles = row.arm.starts_with("ep_");
  return {settles ? std::vector{3.0, 2.5, 2.25} : std::vector<double>{},
          {0.0, 1e-9, 1e-3},
          {kNoValue, 0.5, 0.99},
          {}};
}

const Series& series_of(const Panel& panel, const std::string& title) {
  const auto found = std::ranges::find(panel.series, title, &Series::title);
  if (found == panel.series.end())
    throw std::runtime_error("no series " + title);
  return *found;
}

std::vector<std::string> names(const std::vector<NamedPlot>& plots) {
  std::vector<std::string> all;
  for (const NamedPlot& plot : plots)
    all.push_back(plot.name);
  return all;
}

TEST(EpDepthPlots, TimesHaveTheirIntervalsAndSayOfHowMany) {
  std::vector<EpCase> cases = testing::ep_cases();
  for (EpCase& row : cases) {
    row.repeats = row.arm == "ep_fused" ? 8 : 1;
    row.step_seconds_lower = 0.9 * row.step_seconds;
    row.step_seconds_upper = 1.2 * row.step_seconds;
  }
  const auto plots = ep_depth_plots(cases);
  const Plot& plot = plots.at(0).plot;
  EXPECT_THAT(plot.subtitles[0],
              HasSubstr("1 to 8 repeats each, bars: interval of the median time (95 % from 6"));
  const Point& fused = series_of(plot.panels[1], "ep_fused").points[0];
  EXPECT_DOUBLE_EQ(fused.low, 0.9 * fused.y);
  EXPECT_DOUBLE_EQ(fused.high, 1.2 * fused.y);
  EXPECT_TRUE(std::isnan(series_of(plot.panels[1], "ep_autograd").points[0].low)) << "one repeat";
  EXPECT_TRUE(std::isnan(series_of(plot.panels[0], "ep_fused").points[0].low)) << "bytes are exact";
  for (EpCase& row : cases)
    row.repeats = 1;
  EXPECT_THAT(ep_depth_plots(cases).at(0).plot.subtitles[0], ::testing::EndsWith("1 repeat each"));
}

TEST(EpDepthPlots, MemoryTimeAndReachOfEveryArm) {
  const auto plots = ep_depth_plots(testing::ep_cases());
  ASSERT_THAT(names(plots), ElementsAre("ep-versus-depth"));
  const Plot& plot = plots[0].plot;
  ASSERT_EQ(plot.panels.size(), 3u);
  const Series& memory = series_of(plot.panels[0], "ep_autograd");
  ASSERT_EQ(memory.points.size(), 5u);
  EXPECT_DOUBLE_EQ(memory.points[4].x, 500);
  EXPECT_DOUBLE_EQ(memory.points[4].y, 100);                              // MB
  EXPECT_DOUBLE_EQ(series_of(plot.panels[1], "ep_fused").points[0].y, 1); // ms
  EXPECT_DOUBLE_EQ(series_of(plot.panels[2], "backprop").points[4].y, 500);
  EXPECT_DOUBLE_EQ(series_of(plot.panels[2], "ep_fused").points[4].y, 30);
  for (const Panel& panel : plot.panels)
    EXPECT_TRUE(panel.x.logarithmic && panel.y.logarithmic);
  EXPECT_EQ(plot.panels[0].x.title, "depth");
  EXPECT_EQ(plot.panels[0].y.unit, "MB");
}

TEST(EpDepthPlots, OneOfEverySettingAndNoneOfASingleDepth) {
  std::vector<EpCase> cases;
  for (const char* init : {"he", "torch"})
    for (const std::int64_t depth : {10, 20}) {
      cases.push_back(ep_case("backprop", depth, 1, 1000));
      cases.back().init = init;
    }
  EXPECT_THAT(names(ep_depth_plots(cases)), ElementsAre("ep-versus-depth", "ep-versus-depth-2"));
  std::erase_if(cases, [](const EpCase& row) { return row.depth == 20; });
  EXPECT_THAT(ep_depth_plots(cases), IsEmpty());
  cases = testing::ep_cases();
  for (EpCase& row : cases)
    row.status = "failed";
  EXPECT_THAT(ep_depth_plots(cases), IsEmpty());
}

TEST(EpDepthPlots, NoMoreCurvesThanCanBeToldApart) {
  std::vector<EpCase> cases;
  for (const char* arm :
       {"backprop", "backprop_checkpoint", "backprop_streamed", "truncated_backprop", "ep_autograd",
        "ep_manual", "ep_analytic", "ep_checkpoint", "ep_sweep", "ep_fused"})
    for (const std::int64_t depth : {10, 20})
      cases.push_back(ep_case(arm, depth, 1, 1000));
  const Plot plot = ep_depth_plots(cases)[0].plot;
  EXPECT_EQ(plot.panels[0].series.size(), kMostEpCurves);
  EXPECT_THAT(plot.subtitles, Contains("Not shown: ep_checkpoint, ep_manual"));
  EXPECT_NO_THROW(series_of(plot.panels[0], "ep_fused"));
  // All look different.
  for (const Series& a : plot.panels[0].series)
    for (const Series& b : plot.panels[0].series)
      EXPECT_TRUE(a.title == b.title || a.style.colour != b.style.colour ||
                  a.style.marker != b.style.marker);
}

TEST(EpAccuracyPlots, InitsSideBySideWithoutWhatDiverged) {
  const auto plots = ep_accuracy_plots(training_run().ep);
  ASSERT_THAT(names(plots), ElementsAre("ep-accuracy-versus-depth"));
  const Plot& plot = plots[0].plot;
  ASSERT_EQ(plot.panels.size(), 2u);
  EXPECT_EQ(plot.panels[0].title, "init orthogonal");
  EXPECT_DOUBLE_EQ(series_of(plot.panels[0], "ep_fused").points[1].y, 75);
  EXPECT_EQ(series_of(plot.panels[1], "ep_fused").points.size(), 1u) << "depth 30 diverged";
  EXPECT_TRUE(plot.panels[1].legend) << "the legend is beside the last panel";
  EXPECT_FALSE(plot.panels[0].legend);
  EXPECT_THAT(plot.subtitles[0], HasSubstr("200 steps on fashion-mnist"));
}

TEST(EpTrainingPlots, DepthsSideBySideAndTheCurveOfADivergedRun) {
  const results::RunData run = training_run();
  const auto plots = ep_training_plots(run.ep, run.ep_training);
  ASSERT_THAT(names(plots), ElementsAre("ep-training", "ep-training-2"));
  EXPECT_THAT(plots[1].plot.title, HasSubstr("init torch"));
  const Panel& deep = plots[1].plot.panels.at(1);
  EXPECT_EQ(deep.title, "depth 30");
  EXPECT_EQ(series_of(deep, "backprop").points.size(), 3u);
  const Series& stopped = series_of(deep, "ep_fused");
  ASSERT_EQ(stopped.points.size(), 2u);
  EXPECT_DOUBLE_EQ(stopped.points[1].x, 100);
  EXPECT_DOUBLE_EQ(stopped.points[1].y, 40);
}

TEST(EpTrainingPlots, FourDepthsAtMostTheOuterOnesAmongThem) {
  results::RunData run;
  for (const std::int64_t depth : {4, 10, 20, 30, 50, 100}) {
    run.ep.push_back(testing::trained_case("backprop", depth, "he", 0.5));
    for (const auto& point : testing::curve_of_case(run.ep.back()))
      run.ep_training.push_back(point);
  }
  const Plot plot = ep_training_plots(run.ep, run.ep_training).at(0).plot;
  ASSERT_EQ(plot.panels.size(), kMostEpPanels);
  EXPECT_EQ(plot.panels.front().title, "depth 4");
  EXPECT_EQ(plot.panels.back().title, "depth 100");
}

TEST(EpLayerPlots, EnergyNormAndCosine) {
  std::vector<EpCase> cases;
  for (const char* arm : {"backprop", "ep_fused"})
    for (const std::int64_t depth : {3, 500})
      cases.push_back(ep_case(arm, depth, 1, 1000));
  const auto plots = ep_layer_plots(cases, short_trace);
  ASSERT_THAT(names(plots), ElementsAre("ep-layers"));
  const Plot& plot = plots[0].plot;
  EXPECT_THAT(plot.title, HasSubstr("depth 3")) << "500 layers are too many to be told apart";
  ASSERT_EQ(plot.panels.size(), 3u);
  EXPECT_EQ(plot.panels[0].series.size(), 1u) << "back-propagation has no energy";
  EXPECT_DOUBLE_EQ(plot.panels[0].series[0].points[2].y, 2.25);
  EXPECT_DOUBLE_EQ(plot.panels[0].series[0].points[2].x, 2);
  const Series& norm = series_of(plot.panels[1], "ep_fused");
  EXPECT_TRUE(std::isnan(norm.points[0].y)) << "zero has no place on a logarithmic axis";
  EXPECT_DOUBLE_EQ(norm.points[1].x, 2) << "layers are counted from 1";
  EXPECT_DOUBLE_EQ(series_of(plot.panels[2], "backprop").points[2].y, 0.99);
  EXPECT_THAT(ep_layer_plots(cases, no_trace), IsEmpty());
}

TEST(EpPlots, NothingOfNothingAndOfFilesWithoutTraces) {
  EXPECT_THAT(ep_plots({}, {}, no_trace), IsEmpty());
  const results::RunData run = training_run();
  EXPECT_THAT(names(ep_plots(run.ep, run.ep_training, no_trace)),
              ElementsAre("ep-versus-depth", "ep-versus-depth-2", "ep-accuracy-versus-depth",
                          "ep-training", "ep-training-2"));
}

TEST(DecadesAxis, HasFewTicksHoweverManyDecades) {
  Panel panel;
  panel.series = {{.points = {{1, 1e-37}, {2, 10}}}};
  const Axis axis = decades_axis("norm", "", panel);
  EXPECT_LE(axis.ticks.size(), 9u);
  EXPECT_GE(axis.ticks.size(), 5u);
  for (const Tick& tick : axis.ticks)
    EXPECT_DOUBLE_EQ(std::stod(tick.text) / tick.at, 1);
  panel.series[0].points = {{1, 0.02}, {2, 200}};
  std::vector<std::string> texts;
  for (const Tick& tick : decades_axis("time", "ms", panel).ticks)
    texts.push_back(tick.text);
  EXPECT_THAT(texts, ElementsAre("0.1", "1", "10", "100"));
  panel.series[0].points = {{1, 1}, {2, 10}};
  EXPECT_TRUE(decades_axis("norm", "", panel).ticks.empty()) << "a usual axis will do";
}

TEST(EpPlots, CanBeDrawn) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const peakbench::testing::ScratchFolder scratch;
  const results::RunData run = training_run();
  const auto plots = ep_plots(run.ep, run.ep_training, short_trace);
  const auto files = save_all(plots, scratch.path(), false);
  EXPECT_EQ(files.size(), 2 * plots.size());
  const std::string svg = peakbench::testing::read_file(scratch / "ep-layers.svg");
  for (const char* text : {"cosine to back-propagation", "settling step", "ep_fused"})
    EXPECT_THAT(svg, HasSubstr(text));
}

} // namespace
} // namespace peakbench::report
