#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "report/kinds.h"
#include "report/scaling_examples.h"

namespace peakbench::report {
namespace {

using namespace testing;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

TEST(RowsTest, CsvHasEveryColumnOfEveryRow) {
  const results::RunData run = example_run();
  const auto lines = lines_of(rows_csv(run, "ep"));
  ASSERT_EQ(lines.size(), run.ep.size() + 1);
  EXPECT_EQ(lines[0].substr(0, 30), "case_id,arm,depth,width,batch,");
  const auto columns = static_cast<std::ptrdiff_t>(results::fields<results::EpCase>().size());
  for (const std::string& line : lines)
    EXPECT_EQ(std::ranges::count(line, ','), columns - 1) << line;
  EXPECT_EQ(lines[1].substr(0, 33), run.ep[0].case_id + ",ep_autograd,10,1");
  EXPECT_NE(lines[1].find(",,"), std::string::npos); // absent is empty
  EXPECT_EQ(lines_of(rows_csv(run, "eab")).size(), run.eab.size() + 1);
  EXPECT_THROW(rows_csv(run, "cases"), UserError);
}

TEST(RowsTest, JsonHasTheSameValuesInFullPrecision) {
  results::RunData run = example_run();
  run.ep[0].step_seconds = 0.1 + 0.2;
  run.ep[0].reason = "a \"b\"\n";
  run.eab_repeats.push_back({"id", 0, 0.5, 10, results::kAbsent, results::kAbsent});
  const auto json = nlohmann::json::parse(rows_json(run));
  EXPECT_EQ(json.at("ep").size(), run.ep.size());
  EXPECT_EQ(json["ep"][0]["step_seconds"].get<double>(), 0.1 + 0.2);
  EXPECT_EQ(json["ep"][0]["reason"], "a \"b\"\n");
  EXPECT_TRUE(json["ep"][0]["rate"].is_null());
  EXPECT_EQ(json["ep"][0]["depth"], 10);
  EXPECT_EQ(json["eab_samples"][0]["peak_bytes"], 10);
  EXPECT_EQ(json["columns"]["ep"]["step_seconds"]["unit"], "seconds");
  EXPECT_NE(rows_csv(run, "ep").find(",0.30000000000000004,"), std::string::npos);
}

TEST(RowsTest, JsonHasEveryKindOfRows) {
  const results::RunData run = example_run();
  const auto json = nlohmann::json::parse(rows_json(run));
  for (const Kind& kind : kinds()) {
    std::string key(kind.name);
    std::ranges::replace(key, '-', '_');
    EXPECT_TRUE(json.at(key).is_array()) << key;
    EXPECT_EQ(json.at("columns").at(key).size(), columns_of_kind(kind.name).size()) << key;
  }
}

TEST(RowsTest, ScalingAndRanksToo) {
  results::RunData run = scaling_run();
  run.scaling_repeats.push_back({"id", 3, 0.5});
  run.ranks.resize(2);
  run.ranks[1].host = "node1";
  EXPECT_EQ(lines_of(rows_csv(run, "scaling")).size(), run.scaling.size() + 1);
  EXPECT_EQ(lines_of(rows_csv(run, "scaling-samples"))[1].substr(0, 9), "id,3,0.5,");
  EXPECT_EQ(lines_of(rows_csv(run, "ranks")).size(), 3u);
  const auto json = nlohmann::json::parse(rows_json(run));
  EXPECT_EQ(json.at("scaling").size(), run.scaling.size());
  EXPECT_EQ(json["scaling"][0]["cases_per_second"], 4);
  EXPECT_EQ(json["scaling_samples"][0]["seconds"], 0.5);
  EXPECT_EQ(json["ranks"][1]["host"], "node1");
  EXPECT_EQ(json["columns"]["scaling"]["cases_per_second"]["unit"], "1/s");
}

} // namespace
} // namespace peakbench::report
