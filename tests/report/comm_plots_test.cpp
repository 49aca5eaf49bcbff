#include "report/comm_plots.h"

#include <gtest/gtest.h>

#include "report/comm_examples.h"
#include "report/file_plots.h"
#include "report/gnuplot_here.h"
#include "support/support.h"

namespace peakbench::report {
namespace {

using testing::comm_case;
using testing::comm_run;

TEST(CommPlots, BusBandwidthVersusSize) {
  const auto plots = comm_plots(comm_run().comm);
  ASSERT_EQ(plots.size(), 1u);
  EXPECT_EQ(plots[0].name, "comm-bandwidth");
  ASSERT_EQ(plots[0].plot.panels.size(), 1u);
  const Panel& panel = plots[0].plot.panels[0];
  EXPECT_EQ(panel.title, "mpi, 4 ranks");
  ASSERT_EQ(panel.series.size(), 2u) << "the wrong result and the skipped case are not drawn";
  const Series& all_reduce = panel.series[0];
  EXPECT_EQ(all_reduce.title, "all_reduce");
  ASSERT_EQ(all_reduce.points.size(), 2u);
  EXPECT_DOUBLE_EQ(all_reduce.points[0].x, 8);
  EXPECT_DOUBLE_EQ(all_reduce.points[1].x, 16000000);
  EXPECT_DOUBLE_EQ(all_reduce.points[1].y, 3);
  EXPECT_DOUBLE_EQ(all_reduce.points[1].low, 3 / 1.25) << "the slow end of the time";
  EXPECT_DOUBLE_EQ(all_reduce.points[1].high, 3 / 0.8);
}

TEST(CommPlots, OneSizeIsNoPicture) {
  EXPECT_TRUE(comm_plots({comm_case("reduce", 8, 1e-6)}).empty());
  EXPECT_TRUE(comm_plots({}).empty());
}

TEST(CommPlots, RanksAndTransportsHavePanelsOfTheirOwn) {
  auto cases = comm_run().comm;
  for (results::CommCase row : comm_run().comm) {
    row.ranks = 8;
    cases.push_back(row);
    row.transport = "nccl";
    cases.push_back(row);
  }
  const auto plots = comm_plots(cases);
  ASSERT_EQ(plots.size(), 1u);
  EXPECT_EQ(plots[0].plot.panels.size(), 3u);
}

TEST(CommPlots, AreAmongThePicturesOfAFileAndCanBeDrawn) {
  const auto plots = plots_of({comm_run()});
  ASSERT_EQ(plots.size(), 1u);
  PEAKBENCH_NEEDS_GNUPLOT();
  const peakbench::testing::ScratchFolder scratch;
  for (const auto& file : save_all(plots, scratch.path(), false))
    EXPECT_GT(std::filesystem::file_size(file), 1000u) << file;
}

} // namespace
} // namespace peakbench::report
