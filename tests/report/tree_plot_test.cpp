#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "report/eab_plots.h"
#include "report/numbers.h"
#include "report/plot_layout.h"
#include "report/traces.h"

namespace peakbench::report {
namespace {

using ::testing::Contains;
using testing::example_trace;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::traced_case;

std::vector<std::string> texts(const Plot& plot) {
  std::vector<std::string> all;
  for (const Label& label : plot.panels[0].labels)
    all.push_back(label.text);
  return all;
}
const Series& series_of(const Plot& plot, const std::string& title) {
  return *std::ranges::find(plot.panels[0].series, title, &Series::title);
}

TEST(TreePlot, NumbersTheSamplesAndNamesTheEntropies) {
  const results::EabTrace trace = example_trace();
  const Plot plot = tree_plot({traced_case(), trace, ""});
  for (const char* text : {"The", "cat sat", "dog ran.", "↵", "#1  -1.05", "#2  -2.10", "#3  -2.15",
                           "0.60", "0.55", "× pruned"})
    EXPECT_THAT(texts(plot), Contains(text));
  EXPECT_EQ(series_of(plot, "branch point, its entropy").points.size(), 2u);
  EXPECT_EQ(series_of(plot, "cut at max_new_tokens").points.size(), 2u); // of four tokens
  EXPECT_EQ(series_of(plot, "sample that ended by itself").points.size(), 1u);
  EXPECT_FALSE(series_of(plot, "pruned").points.empty());
}

// Labels along lines, each in its own place: on one row the next starts behind the last one's end.
TEST(TreePlot, TextsDoNotOverlap) {
  results::EabTrace trace = example_trace();
  trace.tokens[1].text = " a word that is much longer than any other word of this little tree";
  const Plot plot = tree_plot({traced_case(), trace, "你好 a prompt"});
  std::vector<Label> labels;
  std::ranges::copy_if(plot.panels[0].labels, std::back_inserter(labels),
                       [](const Label& label) { return label.monospace; });
  const auto width = [](const Label& label) {
    return static_cast<double>(display_width(label.text));
  };
  for (const Label& one : labels)
    for (const Label& other : labels) {
      if (&one == &other || std::abs(one.y - other.y) > 0.4 || one.move_y != other.move_y)
        continue;
      EXPECT_TRUE(one.x + width(one) <= other.x || other.x + width(other) <= one.x)
          << one.text << " / " << other.text;
    }
  // And all of them within the picture.
  const PanelLayout layout = layout_of(plot).front();
  for (const Label& label : labels)
    EXPECT_LE(label.x + width(label), layout.x.high);
  EXPECT_NEAR((layout.right - layout.left) / (layout.x.high - layout.x.low), 6.02, 0.01);
}

// A long name of a model makes the lines at the top longer, not the picture wider.
TEST(TreePlot, IsAsLargeAsItsTextsAndItsLegend) {
  const results::EabTrace trace = example_trace();
  results::EabCase record = traced_case();
  const Plot plain = tree_plot({record, trace, ""});
  record.model = std::string(300, 'm');
  const Plot named = tree_plot({record, trace, ""});
  EXPECT_EQ(named.width, plain.width);
  EXPECT_EQ(named.height, plain.height);
  results::EabTrace one;
  one.nodes.push_back({0, -1, 1, 0, -1, 0.1, false});
  one.samples.push_back({0, -1, ""});
  EXPECT_LT(tree_plot({record, one, ""}).height, 200) << "two lines of legend and one sample";
}

TEST(TreePlot, ManyPrunedPathsAreStrokes) {
  results::EabTrace trace = example_trace();
  for (int i = 0; i < 30; ++i)
    trace.nodes.push_back({9 + i, 4, 17, 3, -5, 0.55, true});
  const Plot plot = tree_plot({traced_case(), trace, ""});
  EXPECT_THAT(texts(plot), Not(Contains("× pruned")));
  EXPECT_TRUE(series_of(plot, "pruned").points.empty());
  EXPECT_EQ(series_of(plot, "pruned here").points.size(), 3u); // one stroke where they hang
  EXPECT_THAT(plot.subtitles.back(), HasSubstr("31 pruned paths, 31 tokens of no sample"));
}

TEST(TreePlot, BeyondManySamplesTheMostLikelyAreShown) {
  results::EabTrace trace;
  for (int i = 0; i < 100; ++i) {
    trace.nodes.push_back({i, -1, 1, 0, -1.0 * i, 0.1, false});
    trace.samples.push_back({i, -1.0 * i, ""});
  }
  const Plot plot = tree_plot({traced_case(), trace, ""});
  EXPECT_THAT(texts(plot), Contains("#64  -63.00"));
  EXPECT_THAT(texts(plot), Not(Contains("#65  -64.00")));
  EXPECT_THAT(plot.subtitles.back(), HasSubstr("only the first 64 of 100 samples"));
}

} // namespace
} // namespace peakbench::report
