#include "report/plot_layout.h"
#include "report/timeline_plots.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "report/examples.h"
#include "report/file_plots.h"
#include "report/gnuplot.h"
#include "report/gnuplot_here.h"
#include "report/plot_script.h"
#include "report/timeline_examples.h"
#include "results/examples.h"
#include "results/in_memory.h"

namespace peakbench::report {
namespace {

using ::testing::ElementsAre;
using testing::example_timeline;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::set_timeline_peak;

std::vector<std::string> texts_of(const Panel& panel) {
  std::vector<std::string> texts;
  for (const Label& label : panel.labels)
    texts.push_back(label.text);
  return texts;
}

std::vector<std::string> titles_of(const Plot& plot) {
  std::vector<std::string> titles;
  for (const Panel& panel : plot.panels)
    titles.push_back(panel.title);
  return titles;
}

TEST(TimelinePlot, StacksTheTagsAndMarksThePeak) {
  const results::Timeline timeline = example_timeline();
  const Plot plot = timeline_plot("t", {}, {{"arm", &timeline, 450000000}});
  ASSERT_EQ(plot.panels.size(), 1u);
  const Panel& panel = plot.panels[0];
  ASSERT_EQ(panel.bands.size(), 3u); // the uppermost first
  EXPECT_EQ(panel.bands[0].title, "workspace");
  EXPECT_EQ(panel.bands[2].title, "weights");
  const BandPoint& top = panel.bands[0].points.at(2);
  EXPECT_DOUBLE_EQ(top.x, 500); // ms
  EXPECT_DOUBLE_EQ(top.low, 400);
  EXPECT_DOUBLE_EQ(top.high, 450);
  EXPECT_DOUBLE_EQ(panel.bands[1].points.at(2).low, 100);
  ASSERT_EQ(panel.series.size(), 1u);
  EXPECT_DOUBLE_EQ(panel.series[0].points[0].x, 500);
  EXPECT_DOUBLE_EQ(panel.series[0].points[0].y, 450);
  EXPECT_THAT(texts_of(panel), ElementsAre("450.0 MB in settling", "activations 300.0 (67 %)",
                                           "weights 100.0 (22 %)", "workspace 50.00 (11 %)"));
  EXPECT_GT(*panel.y.high, 450); // room for the words
}

TEST(TimelinePlot, SaysWhenTheReportedPeakIsAnother) {
  const results::Timeline timeline = example_timeline();
  const Plot plot = timeline_plot("t", {}, {{"arm", &timeline, 451000000}});
  EXPECT_EQ(texts_of(plot.panels[0]).back(), "reported: 451.0 MB");
}

TEST(TimelinePlot, DrawsNoMoreThanItsColumnsCanShow) {
  results::Timeline timeline;
  timeline.phases = {""};
  for (int i = 0; i < 5000; ++i)
    timeline.points.push_back({i / 1000.0, (i * 7919) % 1000, {}, 0});
  timeline.points[1234].total = 2000; // the peak
  timeline.points[4999].total = 3;
  const auto drawn = drawn_points(timeline, 100);
  EXPECT_LE(drawn.size(), 2u * 101);
  EXPECT_TRUE(std::ranges::is_sorted(drawn, {}, &results::TimelinePoint::seconds));
  const auto peak = std::ranges::max_element(drawn, {}, &results::TimelinePoint::total);
  EXPECT_EQ(peak->total, 2000);
  EXPECT_DOUBLE_EQ(peak->seconds, 1.234);
  EXPECT_EQ(drawn.back().total, 3);
  EXPECT_EQ(drawn_points(timeline, 1000000).size(), 5000u);
}

TEST(TimelinePlot, PanelsAreOfOneWidth) {
  const results::Timeline timeline = example_timeline();
  const TimelinePanel panel{"arm", &timeline, 450000000};
  const auto layouts = layout_of(timeline_plot("t", {}, {panel, panel, panel, panel}));
  for (const PanelLayout& one : layouts)
    EXPECT_NEAR(one.right - one.left, layouts[1].right - layouts[1].left, 12);
}

TEST(TimelinePlot, IsDrawn) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const results::Timeline timeline = example_timeline();
  const Plot plot = timeline_plot("memory", {"one line"},
                                  {{"a", &timeline, 450000000}, {"b", &timeline, 450000000}});
  const std::string svg = run_gnuplot(script_of(plot, Canvas::svg));
  EXPECT_THAT(svg, HasSubstr("450.0 MB in settling"));
  EXPECT_THAT(svg, HasSubstr("url(#gpPat")); // hatching, for print in grey
}

class TimelinePlots : public ::testing::Test {
protected:
  // Every arm at depths 10 and 20; one without a timeline.
  results::RunData write() {
    const std::string path = scratch_ / "run.h5";
    results::Store store = results::Store::create(path, results::testing::example_info());
    for (const char* const arm : {"backprop", "ep_autograd", "ep_fused"})
      for (const std::int64_t depth : {10, 20}) {
        results::EpRow row;
        row.record = testing::ep_case(arm, depth, 1, 1);
        row.trace.timeline = example_timeline();
        set_timeline_peak(row.record, row.trace.timeline);
        store.append(row);
      }
    results::EpRow without;
    without.record = testing::ep_case("ep_analytic", 20, 1, 1);
    store.append(without);
    for (const auto& [arm, decode] : {std::pair{"naive", "per_path"},
                                      {"cow", "per_path"},
                                      {"cow", "batched"},
                                      {"original", "batched"}}) {
      results::EabRow row;
      row.record = testing::eab_case(arm, decode, "a", 1, 1);
      row.trace.timeline = example_timeline();
      set_timeline_peak(row.record, row.trace.timeline);
      store.append(row);
    }
    return results::load(path);
  }
  const results::testing::InMemory memory_;
  const peakbench::testing::ScratchFolder& scratch_ = *memory_;
};

TEST_F(TimelinePlots, ShowTheArmsOfOneSettingBesideEachOther) {
  const results::RunData run = write();
  const auto plots = timeline_plots({run, run}); // twice the same file: each case once
  ASSERT_EQ(plots.size(), 2u);
  EXPECT_EQ(plots[0].name, "eab-memory-over-time");
  EXPECT_THAT(titles_of(plots[0].plot), ElementsAre("naive", "original, batched", "cow, batched"));
  EXPECT_EQ(plots[1].name, "ep-memory-over-time");
  EXPECT_THAT(titles_of(plots[1].plot), ElementsAre("backprop", "ep_autograd", "ep_fused"));
  EXPECT_THAT(plots[1].plot.subtitles.front(), HasSubstr("depth 20"));
}

TEST_F(TimelinePlots, OfTheCaseThatIsNamed) {
  const results::RunData run = write();
  const auto plots = timeline_plots({run}, run.ep.front().case_id);
  EXPECT_THAT(plots[1].plot.subtitles.front(), HasSubstr("depth 10"));
  const auto per_path = std::ranges::find_if(run.eab, [](const results::EabCase& row) {
    return row.arm == "cow" && row.decode == "per_path";
  });
  EXPECT_THAT(titles_of(timeline_plots({run}, per_path->case_id)[0].plot),
              ElementsAre("naive", "cow, per path"));
  // The whole list of pictures takes the id of either kind, and no other.
  EXPECT_NO_THROW(plots_of({run}, run.ep.front().case_id));
  EXPECT_THROW(plots_of({run}, run.ep.back().case_id), UserError); // without a timeline
}

TEST_F(TimelinePlots, AreNotThereWithoutTimelines) {
  EXPECT_THAT(timeline_plots({testing::example_run()}), IsEmpty());
}

} // namespace
} // namespace peakbench::report
