#include "report/render.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "report/examples.h"
#include "report/numbers.h"
#include "results/text.h"

namespace peakbench::report {
namespace {

using namespace testing;

Table small() {
  Table table;
  table.title = "Two arms";
  table.columns = {{"arm", "", true}, {"wall time", "s"}, {"note", "", true}};
  table.rows = {{"naïve", "1.500", "a, \"b\"|c"}, {"日本", "-", "1e5"}};
  table.notes = {"n = 2"};
  return table;
}

TEST(RenderTest, TextIsAlignedByWhatTheEyeSees) {
  EXPECT_EQ(render_text({small()}), "Two arms\n"
                                    "        wall\n"
                                    "arm     time  note\n"
                                    "           s\n"
                                    "----------------------\n"
                                    "naïve  1.500  a, \"b\"|c\n"
                                    "日本       -  1e5\n"
                                    "  n = 2\n");
}

TEST(RenderTest, CsvQuotesWhatItMust) {
  const std::string one = "Two arms\n"
                          "arm,wall time [s],note\n"
                          "naïve,1.500,\"a, \"\"b\"\"|c\"\n"
                          "日本,-,1e5\n";
  EXPECT_EQ(render_csv({small(), small()}), one + "\n" + one);
}

TEST(RenderTest, JsonKnowsNumbersTextsAndNothing) {
  const auto json = nlohmann::json::parse(render_json({small()}));
  const auto& table = json.at("tables").at(0);
  EXPECT_EQ(table.at("columns").at(1).at("unit"), "s");
  EXPECT_EQ(table.at("rows").at(0), (nlohmann::json::array({"naïve", 1.5, "a, \"b\"|c"})));
  EXPECT_EQ(table.at("rows").at(1), (nlohmann::json::array({"日本", nullptr, "1e5"})));
  EXPECT_EQ(table.at("notes").at(0), "n = 2");
  Table infinite = small();
  infinite.rows = {{"inf", "-inf", "-"}};
  EXPECT_EQ(nlohmann::json::parse(render_json({infinite})).at("tables").at(0).at("rows").at(0),
            (nlohmann::json::array({"inf", "-Infinity", nullptr}))); // a text stays
}

TEST(RenderTest, MarkdownEscapesPipes) {
  EXPECT_EQ(render_markdown({small()}), "### Two arms\n\n"
                                        "| arm | wall time [s] | note |\n"
                                        "| --- | ---: | --- |\n"
                                        "| naïve | 1.500 | a, \"b\"\\|c |\n"
                                        "| 日本 | - | 1e5 |\n"
                                        "\nn = 2\n");
}

TEST(RenderTest, LongReasonsAreWrappedNotCut) {
  Table table;
  table.title = "Reasons";
  table.columns = {{"case", "", true}, {"reason", "", true}};
  const std::string reason = std::string(300, 'x') + " and\nmore words " + std::string(80, 'y');
  table.rows = {{"0123456789abcdef", reason}};
  const std::string text = render_text({table});
  std::istringstream lines(text);
  std::size_t letters = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(display_width(line), 120u);
    letters += static_cast<std::size_t>(std::ranges::count(line, 'x'));
  }
  EXPECT_EQ(letters, 300u);
  EXPECT_NE(text.find("more words"), std::string::npos);
}

TEST(RenderTest, TitlesBreakAtHyphensWhereTheTableIsTooWide) {
  Table table;
  for (int column = 0; column < 13; ++column)
    table.columns.push_back({"speed-up", ""}); // 13 x 8 + 12 x 2 = 128
  table.rows = {std::vector<std::string>(13, "1")};
  const std::string wide = render_text({table});
  EXPECT_NE(wide.find("speed-  speed-"), std::string::npos) << wide;
  table.columns.pop_back();
  table.rows[0].pop_back();
  EXPECT_NE(render_text({table}).find("speed-up  speed-up"), std::string::npos);
}

TEST(RenderTest, SettingsOfATableThatIsTooWideGoAboveTheirRows) {
  Table table;
  table.title = "Wide";
  table.columns = {{"temperature", "", true}, {"threshold", "", true}};
  for (int column = 0; column < 13; ++column)
    table.columns.push_back({"figures", ""}); // 13 x 7 + 12 x 2 = 115 alone
  for (const char* temperature : {"0.5", "0.5", "1.3"}) {
    std::vector<std::string> row{temperature, "0.1"};
    row.resize(15, temperature);
    table.rows.push_back(row);
  }
  EXPECT_NE(render_text({table}).find("0.5          0.1"), std::string::npos) << "not settings";
  table.settings = 2;
  const std::string text = render_text({table});
  std::istringstream lines(text);
  std::vector<std::string> starts;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(display_width(line), 120u);
    starts.push_back(line.substr(0, 20));
  }
  const auto count = [&](const std::string& part) {
    return std::ranges::count_if(starts, [&](const auto& s) { return s.find(part) != s.npos; });
  };
  EXPECT_EQ(count("temperature 0.5, thr"), 1);
  EXPECT_EQ(count("temperature 1.3, thr"), 1);
  EXPECT_EQ(count("    0.5"), 2);
  EXPECT_EQ(render_csv({table}).find("temperature,threshold,figures"), 5u) << "CSV stays flat";
}

TEST(RenderTest, BrokenTextsDoNotBreakAFormat) {
  Table table = small();
  table.rows[0][2] = "cut \xE2\x82";
  table.title = "\xFF";
  for (const Format format : {Format::text, Format::csv, Format::json, Format::markdown}) {
    const std::string text = render({table}, format);
    EXPECT_NE(text.find("cut \xEF\xBF\xBD"), std::string::npos) << text;
    EXPECT_EQ(text, results::storable_text(text)) << "no UTF-8: Python would read none of it";
  }
}

TEST(RenderTest, NamesAreCutInTwoOnlyWhereThatMakesTheTableFit) {
  // The name's 19 columns, 9 for each figure, 3 for the last column.
  const auto is_whole = [](std::size_t figures) {
    Table table;
    table.columns.resize(figures + 1, {"figures", ""});
    table.columns.front() = {"arm", "", true};
    table.columns.push_back({"x", ""});
    table.rows = {std::vector<std::string>(figures + 2, "1")};
    table.rows[0][0] = "backprop_checkpoint";
    return render_text({table}).find("backprop_checkpoint ") != std::string::npos;
  };
  EXPECT_TRUE(is_whole(10)) << "112 fit";
  EXPECT_FALSE(is_whole(11)) << "121 fit if one column is left out";
  EXPECT_TRUE(is_whole(12)) << "130 do not";
}

TEST(RenderTest, AWholeRunFitsATerminal) {
  results::RunData run = example_run();
  for (auto& row : run.eab)
    row.distinct_texts = 20;
  std::istringstream lines(render_text(tables_of(run, true)));
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(display_width(line), 120u) << line;
}

// The cells of all formats, table by table, as text.
using Cells = std::vector<std::vector<std::string>>;

Cells cells_of(const std::vector<Table>& tables) {
  Cells cells;
  for (const Table& table : tables)
    cells.insert(cells.end(), table.rows.begin(), table.rows.end());
  return cells;
}

TEST(RenderTest, AllFormatsSayTheSame) {
  const auto tables = tables_of(example_run());
  const Cells expected = cells_of(tables);
  const std::string text = render_text(tables), csv = render_csv(tables),
                    markdown = render_markdown(tables);
  const auto json = nlohmann::json::parse(render_json(tables));
  // Text: the cells of a row in order on one line. CSV and Markdown: the line itself.
  for (const auto& row : expected) {
    std::string comma, pipe = "|";
    for (const std::string& cell : row) {
      comma += (comma.empty() ? "" : ",") + csv_cell(cell);
      pipe += " " + cell + " |";
    }
    EXPECT_NE(csv.find("\n" + comma + "\n"), std::string::npos) << comma;
    EXPECT_NE(markdown.find("\n" + pipe + "\n"), std::string::npos) << pipe;
    bool found = false;
    std::istringstream lines(text);
    for (std::string line; !found && std::getline(lines, line);) {
      std::istringstream words(line);
      found = std::ranges::all_of(row, [&](const std::string& cell) {
        std::istringstream parts(cell);
        for (std::string part, word; parts >> part;)
          if (!(words >> word) || word != part)
            return false;
        return true;
      });
    }
    EXPECT_TRUE(found) << comma;
  }
  std::size_t at = 0;
  for (const auto& table : json.at("tables"))
    for (const auto& row : table.at("rows")) {
      for (std::size_t column = 0; column < row.size(); ++column) {
        const std::string& cell = expected.at(at)[column];
        if (row[column].is_number())
          EXPECT_EQ(row[column].get<double>(), std::stod(cell));
        else
          EXPECT_EQ(row[column].is_null() ? "-" : row[column].get<std::string>(), cell);
      }
      ++at;
    }
  EXPECT_EQ(at, expected.size());
}

} // namespace
} // namespace peakbench::report
