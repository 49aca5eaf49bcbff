#include <gmock/gmock.h>

#include "report/eab_plots.h"
#include "report/examples.h"

namespace peakbench::report {
namespace {

using testing::eab_case;
using ::testing::HasSubstr;

// KV, logits and the rest of a peak of 100 bytes in a hundred.
results::EabCase with_parts(results::EabCase row) {
  row.peak.kv_cache = row.peak_bytes / 2;
  row.peak.logits = row.peak_bytes / 4;
  row.peak.activations = row.peak_bytes / 8;
  row.peak.workspace = row.peak_bytes / 8;
  return row;
}

std::vector<results::EabCase> cases() {
  return {with_parts(eab_case("naive", "per_path", "a", 10, 8000000)),
          with_parts(eab_case("original", "per_path", "a", 8, 80000000)),
          with_parts(eab_case("cow", "batched", "a", 2, 16000000))};
}

TEST(ResourcePlot, BarsAreTheMeasuredFigures) {
  const Plot plot = resource_plot(cases(), "Why?");
  ASSERT_EQ(plot.panels.size(), 2u);
  const std::vector<Box>& walls = plot.panels[0].boxes[0].boxes;
  ASSERT_EQ(walls.size(), 3u);
  EXPECT_EQ(walls[0].x_high, 10); // in the order of the tables
  EXPECT_EQ(walls[2].x_high, 2);
  EXPECT_EQ(plot.panels[0].y.ticks[0].text, "naive");
  EXPECT_EQ(plot.panels[0].y.ticks[2].text, "cow, batched");
  EXPECT_EQ(plot.panels[0].labels[2].text, "2.000 s");
  const std::vector<Boxes>& parts = plot.panels[1].boxes;
  ASSERT_EQ(parts.size(), 5u);
  EXPECT_EQ(parts[0].title, "KV cache at the peak");
  EXPECT_EQ(parts[0].boxes[1].x_low, 0);
  EXPECT_EQ(parts[0].boxes[1].x_high, 40);
  EXPECT_EQ(parts[1].boxes[1].x_low, 40); // one behind the other
  EXPECT_EQ(parts[1].boxes[1].x_high, 60);
  EXPECT_EQ(parts[2].boxes[1].x_high, 80);
  EXPECT_EQ(plot.panels[1].labels[1].text, "80.00 MB");
  EXPECT_EQ(parts[3].boxes[1].x_high, 40); // KV at its own greatest: half
  const Box& bound = parts[4].boxes[0];    // of naive: a quarter of its peak
  EXPECT_NEAR((bound.x_low + bound.x_high) / 2, 2, 1e-9);
  EXPECT_THAT(plot.subtitles[0], HasSubstr("Why?"));
}

TEST(ResourcePlot, WhatWasNotFinishedHasNoBar) {
  std::vector<results::EabCase> rows = cases();
  rows[1].status = "out_of_memory";
  const Plot plot = resource_plot(rows);
  EXPECT_EQ(plot.panels[0].boxes[0].boxes.size(), 2u);
  EXPECT_TRUE(resource_plot({}).panels[0].boxes[0].boxes.empty());
}

TEST(ResourcePlot, UnknownPartsAreOneBar) {
  const Plot plot = resource_plot({eab_case("cow", "batched", "a", 2, 16000000)});
  const std::vector<Boxes>& parts = plot.panels[1].boxes;
  EXPECT_TRUE(parts[0].boxes.empty());
  EXPECT_EQ(parts[3].title, "other");
  EXPECT_EQ(parts[3].boxes[0].x_high, 16);
}

} // namespace
} // namespace peakbench::report
