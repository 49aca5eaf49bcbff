#include "report/pareto_plots.h"

#include <gmock/gmock.h>

#include <random>

#include "report/examples.h"
#include "report/gnuplot.h"
#include "report/gnuplot_here.h"
#include "report/plot_script.h"

namespace peakbench::report {
namespace {

using testing::eab_case;
using ::testing::ElementsAre;
using testing::ep_case;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<bool> front_of(const std::vector<std::pair<double, double>>& figures) {
  std::vector<ParetoPoint> points;
  for (const auto& [megabytes, seconds] : figures)
    points.push_back({"", {}, megabytes, seconds});
  return on_front(points);
}

TEST(Pareto, FrontIsWhatNobodyBeatsInBoth) {
  EXPECT_THAT(front_of({{1, 9}, {2, 5}, {3, 6}, {4, 1}, {9, 1}}),
              ElementsAre(true, true, false, true, false));
  EXPECT_THAT(front_of({{1, 1}, {1, 1}}), ElementsAre(true, true)); // equals do not beat each other
  EXPECT_THAT(front_of({{1, 2}, {1, 1}}), ElementsAre(false, true));
}

// The definition, another way: sorted by memory, the front is where time falls below all before.
TEST(Pareto, AgreesWithTheSweep) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::pair<double, double>> figures;
    for (int i = 0; i < 12; ++i)
      figures.emplace_back(1 + random() % 9, 1 + random() % 9);
    std::ranges::sort(figures);
    std::vector<bool> swept, shifted;
    double least = 1e9;
    for (std::size_t i = 0; i < figures.size(); ++i) {
      const bool equal = i > 0 && figures[i] == figures[i - 1];
      swept.push_back(equal ? swept.back() : figures[i].second < least);
      shifted.push_back(!swept.back());
      least = std::min(least, figures[i].second);
    }
    EXPECT_EQ(front_of(figures), swept);
    EXPECT_NE(front_of(figures), shifted);
  }
}

TEST(Pareto, EabTakesMediansOverPrompts) {
  const auto plots = eab_pareto_plots(testing::eab_cases());
  ASSERT_EQ(plots.size(), 1u);
  EXPECT_EQ(plots[0].name, "eab-pareto");
  const Panel& panel = plots[0].plot.panels.at(0);
  std::vector<std::string> titles;
  for (const Series& series : panel.series)
    titles.push_back(series.title);
  // From the slowest to the fastest: naive 20 s and 10 MB, cow 4 s and 40 MB.
  EXPECT_THAT(titles, ElementsAre("front", "naive", "original, per path (dominated)",
                                  "cow, per path (dominated)", "naive_batched (dominated)",
                                  "cow, batched"));
  EXPECT_DOUBLE_EQ(panel.series[1].points[0].x, 10);
  EXPECT_DOUBLE_EQ(panel.series[1].points[0].y, 20);
  EXPECT_DOUBLE_EQ(panel.series[1].points[0].low, 0.99 * 20);
  EXPECT_LT(panel.series[2].style.opacity, 1);
  EXPECT_EQ(panel.series[5].style.opacity, 1);
  const Series& steps = panel.series[0];
  EXPECT_TRUE(steps.steps);
  ASSERT_EQ(steps.points.size(), 4u); // down to naive, to cow, and on to the right
  EXPECT_DOUBLE_EQ(steps.points[1].y, 20);
  EXPECT_DOUBLE_EQ(steps.points[2].x, 40);
  EXPECT_DOUBLE_EQ(steps.points[3].y, 4);
  EXPECT_TRUE(panel.x.logarithmic); // 10 to 160 MB
}

TEST(Pareto, EpIsShownAtTheGreatestDepthThatMostArmsHave) {
  std::vector<results::EpCase> cases = testing::ep_cases();
  cases.push_back(ep_case("backprop", 1000, 1, 5000000)); // alone there
  const auto plots = ep_pareto_plots(cases);
  ASSERT_EQ(plots.size(), 1u);
  EXPECT_EQ(plots[0].name, "ep-pareto");
  EXPECT_THAT(plots[0].plot.subtitles[0], HasSubstr("depth 500"));
  EXPECT_EQ(plots[0].plot.panels[0].series.size(), 1u + 4);
}

TEST(Pareto, SaysOfWhichSettingItIs) {
  std::vector<results::EabCase> cases;
  for (const int factor : {2, 3})
    for (const char* arm : {"original", "cow"}) {
      cases.push_back(eab_case(arm, "batched", "p", 1, 1000));
      cases.back().branch_factor = factor;
    }
  const auto plots = eab_pareto_plots(cases);
  ASSERT_EQ(plots.size(), 2u);
  EXPECT_THAT(plots[0].plot.subtitles[0], HasSubstr("20 paths, branch factor 2; "));
  EXPECT_THAT(plots[1].plot.subtitles[0], HasSubstr("20 paths, branch factor 3; "));
}

TEST(Pareto, NeedsTwoArmsThatFinished) {
  EXPECT_THAT(eab_pareto_plots({}), IsEmpty());
  EXPECT_THAT(ep_pareto_plots({}), IsEmpty());
  EXPECT_THAT(ep_pareto_plots({ep_case("backprop", 10, 1, 10)}), IsEmpty());
  auto failed = eab_case("cow", "batched", "a", 1, 10);
  failed.status = "failed";
  EXPECT_THAT(eab_pareto_plots({eab_case("naive", "per_path", "a", 1, 10), failed}), IsEmpty());
}

TEST(Pareto, IsDrawn) {
  PEAKBENCH_NEEDS_GNUPLOT();
  for (const NamedPlot& one : eab_pareto_plots(testing::eab_cases()))
    EXPECT_THAT(run_gnuplot(script_of(one.plot, Canvas::svg)), HasSubstr("naive"));
}

} // namespace
} // namespace peakbench::report
