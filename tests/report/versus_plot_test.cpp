#include <gmock/gmock.h>

#include <algorithm>

#include "report/eab_plots.h"
#include "report/examples.h"

namespace peakbench::report {
namespace {

using results::EabCase;
using testing::eab_case;
using ::testing::ElementsAre;

std::vector<std::string> names(const std::vector<NamedPlot>& plots) {
  std::vector<std::string> all;
  for (const NamedPlot& plot : plots)
    all.push_back(plot.name);
  return all;
}
const Plot& plot_named(const std::vector<NamedPlot>& plots, const std::string& name) {
  return std::ranges::find(plots, name, &NamedPlot::name)->plot;
}

// Naive at 10 s and cow at 10/k s for k times the tokens.
std::vector<EabCase> by_length() {
  std::vector<EabCase> cases;
  for (const std::int64_t length : {50, 100, 500}) {
    const std::string prompt = "p" + std::to_string(length);
    cases.push_back(eab_case("naive", "per_path", prompt, 10, 1000000));
    cases.push_back(
        eab_case("cow", "batched", prompt, 500.0 / static_cast<double>(length), 1000 * length));
    for (std::size_t i = cases.size() - 2; i < cases.size(); ++i)
      cases[i].prompt_tokens = length;
  }
  return cases;
}

TEST(EabPlots, SpeedUpAndMemoryVersusTheLengthOfThePrompt) {
  const auto plots = eab_plots(by_length());
  EXPECT_THAT(names(plots), ElementsAre("eab-resources", "eab-versus-prompt_tokens"));
  const Plot& plot = plot_named(plots, "eab-versus-prompt_tokens");
  ASSERT_EQ(plot.panels.size(), 2u);
  const Series& cow = plot.panels[0].series.back();
  EXPECT_EQ(cow.title, "cow, batched");
  ASSERT_EQ(cow.points.size(), 3u);
  EXPECT_EQ(cow.points[0].x, 50);
  EXPECT_NEAR(cow.points[0].y, 1, 1e-12);
  EXPECT_NEAR(cow.points[2].y, 10, 1e-12);
  EXPECT_EQ(plot.panels[1].series.back().points[2].y, 0.5); // MB
  EXPECT_TRUE(plot.panels[0].x.logarithmic);
  EXPECT_EQ(plot.panels[0].x.ticks[1].text, "100");
}

TEST(EabPlots, SaysWhatItsMediansRestOnAndNoPromptHasHalfAToken) {
  std::vector<EabCase> cases = by_length();
  for (EabCase& row : cases) {
    row.prompt_tokens += row.prompt_tokens == 50 ? 1 : 0; // 51
    row.repeats = 3;
  }
  for (EabCase row : by_length())
    if (row.prompt_tokens == 50) {
      row.prompt_id = "shorter";
      row.case_id += "s";
      row.repeats = 5;
      cases.push_back(row);
    }
  const auto plots = eab_plots(cases);
  const Plot& plot = plot_named(plots, "eab-versus-prompt_tokens");
  EXPECT_EQ(plot.panels[0].x.ticks[0].text, "50-51");
  EXPECT_THAT(plot.subtitles[0], ::testing::HasSubstr("medians over 4 prompts, 3 to 5 repeats"));
  EXPECT_THAT(plot_named(plots, "eab-resources").subtitles[0],
              ::testing::HasSubstr("medians over 4 prompts, 3 to 5 repeats each"));
}

TEST(EabPlots, OneForEveryFactorAndSetting) {
  std::vector<EabCase> cases;
  for (const std::int64_t paths : {5, 10})
    for (const double temperature : {0.5, 1.0})
      for (const char* arm : {"naive", "cow"}) {
        EabCase row = eab_case(arm, arm[0] == 'c' ? "batched" : "per_path", "a", 1, 1000);
        row.max_paths = paths;
        row.temperature = temperature;
        cases.push_back(row);
      }
  EXPECT_THAT(names(eab_plots(cases)),
              ElementsAre("eab-resources", "eab-resources-2", "eab-resources-3", "eab-resources-4",
                          "eab-versus-max_paths", "eab-versus-max_paths-2",
                          "eab-versus-temperature", "eab-versus-temperature-2"));
}

// Whatever two settings differ in, their pictures tell.
TEST(EabPlots, BarsSayOfWhichSettingTheyAre) {
  std::vector<EabCase> cases;
  for (const double top_p : {0.5, 0.9})
    for (const char* arm : {"original", "cow"}) {
      cases.push_back(eab_case(arm, "batched", "p", 1, 1000));
      cases.back().top_p = top_p;
    }
  const auto plots = eab_plots(cases);
  ASSERT_GE(plots.size(), 2u);
  EXPECT_THAT(plots[0].plot.subtitles.back(), ::testing::EndsWith(", top p 0.5"));
  EXPECT_THAT(plots[1].plot.subtitles.back(), ::testing::EndsWith(", top p 0.9"));
}

TEST(EabPlots, NothingWithoutCasesAndNoSpeedUpWithoutNaive) {
  EXPECT_TRUE(eab_plots({}).empty());
  std::vector<EabCase> cases = by_length();
  std::erase_if(cases, [](const EabCase& row) { return row.arm == "naive"; });
  EXPECT_EQ(plot_named(eab_plots(cases), "eab-versus-prompt_tokens").panels.size(), 1u);
  for (EabCase& row : cases)
    row.status = "failed";
  EXPECT_TRUE(eab_plots(cases).empty());
}

TEST(CaseToShow, PrefersCowBatchedThatEndedOk) {
  std::vector<EabCase> cases = testing::eab_cases();
  EXPECT_EQ(cases[*case_to_show(cases)].arm, "cow");
  EXPECT_EQ(cases[*case_to_show(cases)].decode, "batched");
  for (EabCase& row : cases)
    if (row.arm == "cow")
      row.status = "failed";
  EXPECT_EQ(cases[*case_to_show(cases)].arm, "original");
  for (EabCase& row : cases)
    row.status = "failed";
  EXPECT_FALSE(case_to_show(cases));
}

} // namespace
} // namespace peakbench::report
