#include "report/html.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "report/gnuplot_here.h"
#include "report/html_pages.h"
#include "report/html_parts.h"
#include "report/selections.h"

namespace peakbench::report {
namespace {

using testing::article;
using testing::between;
using testing::body_cells;
using ::testing::ElementsAre;
using testing::example_run;
using ::testing::HasSubstr;
using testing::hostile_run;
using testing::kHostile;
using ::testing::Not;
using testing::page_of;

std::vector<Table> tables_with_validity(const results::RunData& run) {
  std::vector<Table> tables = tables_of(run, true);
  tables[0].validity = "VALID: every case of it";
  tables[1].validity = "INVALID: 2 of 10 cases; run them again";
  return tables;
}

TEST(Html, EveryTableIsThereCellByCell) {
  const results::RunData run = example_run();
  const std::vector<Table> tables = tables_with_validity(run);
  const std::string page = page_of(run, tables);
  ASSERT_GT(tables.size(), 8u);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const Table& table = tables[i];
    const std::string part = article(page, "table" + std::to_string(i + 1));
    EXPECT_EQ(testing::unescaped(between(part, "<h3>", "</h3>").at(0)), table.title);
    EXPECT_EQ(body_cells(part), table.rows) << table.title;
    const auto titles = between(part, "<span class=\"title\">", "</span>");
    ASSERT_EQ(titles.size(), table.columns.size());
    std::vector<std::string> units;
    for (std::size_t column = 0; column < titles.size(); ++column) {
      EXPECT_EQ(testing::unescaped(titles[column]), table.columns[column].title);
      if (!table.columns[column].unit.empty())
        units.push_back(table.columns[column].unit);
    }
    EXPECT_EQ(between(part, "<span class=\"unit\">", "</span>"), units) << table.title;
    for (const std::string& note : table.notes)
      EXPECT_THAT(testing::unescaped(part), HasSubstr(note));
  }
  EXPECT_THAT(article(page, "table1"),
              HasSubstr("<p class=\"validity good\"><strong>VALID</strong>: every case of it</p>"));
  EXPECT_THAT(article(page, "table2"), HasSubstr("<p class=\"validity bad\"><strong>INVALID"));
}

TEST(Html, FindsTheWordOfAValidityLine) {
  const auto line = [](const std::string& validity) {
    const Table table{"T", {{"a", ""}}, {{"1"}}, {}, 0, validity};
    return between(article(page_of(example_run(), {table}), "table1"), "<p class=\"validity ",
                   "</p>")
        .at(0);
  };
  EXPECT_EQ(line("VALID: none of 3 is INVALID"),
            "good\"><strong>VALID</strong>: none of 3 is INVALID");
  EXPECT_EQ(line("EAB: VALID: 3 cases ok; EP: INVALID: 1 <case>"),
            "bad\">EAB: VALID: 3 cases ok; EP: <strong>INVALID</strong>: 1 &lt;case&gt;");
  EXPECT_EQ(line("EAB: VALID: 3 cases"), "good\">EAB: <strong>VALID</strong>: 3 cases");
  EXPECT_EQ(line("who knows"), "\">who knows");
}

TEST(Html, TheVerdictCountsCases) {
  const auto verdict = [](const results::RunData& run, const std::vector<Table>& tables = {}) {
    return between(page_of(run, tables), "id=\"verdict\">", "</p>").at(0);
  };
  results::RunData run = example_run();
  const std::string all = std::to_string(run.eab.size() + run.ep.size());
  EXPECT_EQ(verdict(run), "<strong>VALID</strong> " + all + " cases: " + all + " finished ok, " +
                              all + " VALID.");
  EXPECT_THAT(verdict(run, tables_with_validity(run)),
              HasSubstr("<strong>INVALID</strong> 35 cases: 35 finished ok, 35 VALID. 1 of the "
                        "tables below: INVALID."));
  run.ep[0].status = "timed_out";
  run.ep[0].validity = "";
  EXPECT_EQ(verdict(run), "<strong>INCOMPLETE</strong> 35 cases: 34 finished ok, 34 VALID, 1 not "
                          "ok.");
  run.eab[0].validity = "INVALID: the tree differs";
  EXPECT_EQ(verdict(run), "<strong>INVALID</strong> 35 cases: 34 finished ok, 33 VALID, 1 INVALID, "
                          "1 not ok.");
  EXPECT_THAT(verdict({}), HasSubstr("<strong>EMPTY</strong> 0 cases"));
}

TEST(Html, HeadlinesAreCellsOfTheTables) {
  const results::RunData run = example_run();
  const std::vector<Table> tables = tables_of(run);
  const std::string page = page_of(run, tables);
  std::map<std::string, std::string> tiles;
  for (const std::string& tile : between(page, "<div class=\"tile\">", "</div>")) {
    const std::string label = between(tile, "<dt>", "</dt>").at(0); // and on what it rests
    tiles[label.substr(0, label.find('<'))] = between(tile, "<b>", "</b>").at(0);
  }
  const Table& eab = testing::table_with(tables, "EAB: naive, original");
  EXPECT_EQ(tiles.at("cow, batched: speed-up vs naive"),
            testing::cell(eab, {"cow", "batched"}, "speed-up vs naive"));
  EXPECT_EQ(tiles.at("cow, batched: peak memory saved vs original"), "80.0");
  const Table& ep = testing::table_with(tables, "EP: peak memory beyond");
  EXPECT_EQ(tiles.at("ep_fused: memory per layer"), testing::cell(ep, {"ep_fused"}, "slope"));
  EXPECT_EQ(tiles.at("ep_fused: peak memory saved vs back-propagation"),
            testing::cell(ep, {"ep_fused"}, "saving vs backprop"));
  EXPECT_EQ(tiles.count("ep_fused: speed-up vs ep_autograd"), 1u);
  EXPECT_EQ(tiles.count("ep_fused: time vs truncated_backprop"),
            testing::cell(testing::table_with(tables, "EP: time of one"), {"ep_fused"},
                          "time vs truncated backprop") == "-"
                ? 0u
                : 1u);
  EXPECT_THAT(page, HasSubstr("at depth 500"));
  EXPECT_EQ(tiles.count("EP: success criteria that were tested: passed"), 1u);
  EXPECT_THAT(page_of(run, {}), Not(HasSubstr("class=\"tile\""))) << "a figure from nowhere";
  // On what a figure rests stands beside it.
  EXPECT_THAT(
      page_of(run,
              {{"EP: time of one training step",
                {{"arm", "", true}, {"n", ""}, {"speed-up vs ep_autograd", "x"}, {"at depth", ""}},
                {{"ep_fused", "5", "7", "500"}},
                {}}}),
      HasSubstr("<small>at depth 500, n 5 over all depths</small>"));
  std::vector<Table> chosen = tables;
  mark_as_selection(chosen);
  EXPECT_THAT(page_of(run, chosen), HasSubstr("They are a selection"));
  EXPECT_THAT(page, Not(HasSubstr("They are a selection")));
  // Several settings: the first and the last; or the greatest.
  const auto tile = [&](const Table& table) {
    return between(page_of(run, {table}), "<b>", "</b>").at(0);
  };
  EXPECT_EQ(tile({"EP: peak memory beyond the weights",
                  {{"width", ""}, {"arm", "", true}, {"slope", "MB/layer"}},
                  {{"8", "ep_fused", "0.5"}, {"8", "backprop", "9"}, {"16", "ep_fused", "0.7"}},
                  {}}),
            "0.5 … 0.7");
  EXPECT_EQ(
      tile({"Collectives", {{"bus bandwidth", "GB/s"}}, {{"9.5"}, {"-"}, {"10.5"}, {"2"}}, {}}),
      "10.5");
  EXPECT_EQ(
      tile({"EAB: success criteria", {{"verdict", "", true}}, {{"PASS"}, {"FAIL"}, {"-"}}, {}}),
      "1 of 2");
}

// A figure of two settings, or the greatest of many, says which ones.
TEST(Html, HeadlinesSayOfWhichSettingTheyAre) {
  const auto tile = [](const Table& table) {
    return between(page_of(example_run(), {table}), "<div class=\"tile\">", "</div>");
  };
  const std::vector<std::string> two = tile({"EP: peak memory beyond the weights",
                                             {{"optimizer", "", true},
                                              {"width", ""},
                                              {"arm", "", true},
                                              {"slope", "MB/layer"},
                                              {"n", ""}},
                                             {{"muon", "8", "ep_fused", "0.5", "9"},
                                              {"sgd", "8", "backprop", "9", "9"},
                                              {"sgd", "8", "ep_fused", "0.7", "8"}},
                                             {}});
  ASSERT_EQ(two.size(), 1u);
  EXPECT_THAT(two[0],
              HasSubstr("ep_fused: memory per layer, first and last of 2 settings<br><small>"
                        "optimizer muon … sgd, n 9 … 8</small>"));
  const std::vector<Column> columns{{"share", "", true}, {"ranks", ""}, {"speed-up", "x"}};
  const std::vector<std::string> most =
      tile({"Scaling: strong (the same cases)",
            columns,
            {{"dynamic", "1", "1.00"}, {"dynamic", "2", "0.83"}, {"static", "2", "0.43"}},
            {}});
  ASSERT_EQ(most.size(), 1u);
  EXPECT_THAT(most[0], HasSubstr("<b>0.83</b>")) << "one rank is the measure, no speed-up";
  EXPECT_THAT(most[0], HasSubstr("strong scaling: greatest speed-up<br><small>share dynamic, "
                                 "ranks 2</small>"));
  EXPECT_TRUE(tile({"Scaling: weak", columns, {{"dynamic", "1", "1.00"}}, {}}).empty());
}

// The embedded rows as the field list's texts.
template <class Record>
void expect_rows(const std::string& page, const char* kind, const std::vector<Record>& rows) {
  const auto data = nlohmann::json::parse(
      between(page,
              "<script type=\"application/json\" id=\"cases-" + std::string(kind) + "-data\">",
              "</script>")
          .at(0));
  ASSERT_EQ(data.at("rows"), rows.size());
  ASSERT_EQ(data.at("columns").size(), results::fields<Record>().size());
  for (std::size_t index = 0; index < data.at("columns").size(); ++index) {
    const auto& field = results::fields<Record>()[index];
    const auto& column = data.at("columns")[index];
    EXPECT_EQ(column.at("name"), field.name);
    EXPECT_EQ(column.at("unit"), field.unit);
    EXPECT_EQ(column.at("description"), results::description_of(field));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const auto& value =
          column.contains("same") ? column.at("same")
          : column.contains("values")
              ? column.at("values").at(row)
              : column.at("texts").at(column.at("codes").at(row).get<std::size_t>());
      const std::string text = value.is_null()             ? ""
                               : value.is_string()         ? value.get<std::string>()
                               : value.is_number_integer() ? std::to_string(value.get<long>())
                                                           : results::text_of(value.get<double>());
      EXPECT_EQ(text, results::text_of(results::value_of(field, rows[row])))
          << kind << " row " << row << ' ' << field.name;
    }
  }
}

TEST(Html, HoldsEveryCaseWithEveryColumnInFull) {
  results::RunData run;
  for (int number = 0; number < 4; ++number) {
    run.eab.push_back(results::testing::filled<results::EabCase>(number));
    run.ep.push_back(results::testing::filled<results::EpCase>(number));
    run.comm.push_back(results::testing::filled<results::CommCase>(number));
    run.scaling.push_back(results::testing::filled<results::ScalingCase>(number));
  }
  run.eab[0] = {}; // everything absent
  run.eab[1].seed = std::numeric_limits<std::int64_t>::max();
  run.eab[1].wall_seconds = 0.1 + 0.2;
  run.eab[1].cold_seconds = std::numeric_limits<double>::infinity();
  run.eab[2].prompt_id = "</script>\"\\ \n\t\x01";
  run.ep[1].seed = std::numeric_limits<std::int64_t>::min();
  const std::string page = page_of(run, {});
  expect_rows(page, "eab", run.eab);
  expect_rows(page, "ep", run.ep);
  expect_rows(page, "comm", run.comm);
  expect_rows(page, "scaling", run.scaling);
}

TEST(Html, BeyondItsLimitItSaysWhatItLacks) {
  results::RunData run;
  run.scaling.assign(kMostHtmlRows + 1, results::testing::filled<results::ScalingCase>(1));
  const std::string page = page_of(run, {});
  EXPECT_THAT(page, HasSubstr("This page holds the first 100000 of 100001 cases; "
                              "peakbench-aggregate FILE... --rows scaling --csv FILE.csv writes "
                              "all."));
  EXPECT_THAT(page, HasSubstr("{\"rows\":100000,"));
  run.scaling.pop_back();
  EXPECT_THAT(page_of(run, {}), Not(HasSubstr("This page holds the first")));
}

TEST(Html, AsksNobodyForAnything) {
  const results::RunData run = example_run();
  const std::string page = page_of(run, tables_of(run));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("unsafe")));
  for (const std::string& link : between(page, "href=\"", "\""))
    EXPECT_TRUE(link.starts_with("#") || link == "data:,") << link;
  for (const char* outside : {"http:", "https:", "src=\"", "url(", "@import", "style=\""})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  for (const std::string& link : between(page, "href=\"#", "\"")) // and leads somewhere
    EXPECT_THAT(page, HasSubstr("id=\"" + link + "\""));
}

TEST(Html, TextsOfTheFileAreTexts) {
  const results::RunData run = hostile_run();
  const std::string page = page_of(run, tables_of(run, true));
  EXPECT_EQ(between(page, "<script>", "</script>").size(), 1u) << "the page's own";
  EXPECT_EQ(between(page, "<script", "</script>").size(), 3u) << "and the data of two kinds";
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_EQ(testing::unescaped(between(page, "<h1>", "</h1>").at(0)),
            std::string(kHostile) + ": peakbench report");
  EXPECT_EQ(testing::unescaped(between(page, "<pre tabindex=\"0\">", "</pre>").at(1)),
            run.info.config_yaml);
}

TEST(Html, PicturesOfOneTitleAreToldApart) {
  const auto plot = [](const std::string& title, std::vector<std::string> subtitles) {
    return NamedPlot{"ep", {.title = title, .subtitles = std::move(subtitles), .panels = {}}};
  };
  EXPECT_THAT(
      figure_titles(
          {plot("depth", {"width 8, muon; optimizer muon; 5 repeats each"}),
           plot("time", {"width 8, muon"}),
           plot("depth",
                {"width 8, sgd; optimizer sgd; 6 repeats each, bars: 95 % interval",
                 "Layer 1, that of the input, has none.", "Not shown: ep_manual, ep_batched"}),
           plot("same", {"a"}), plot("same", {"a"})}),
      ElementsAre("depth (optimizer muon)", "time", "depth (optimizer sgd)", "same", "same"));
  EXPECT_TRUE(figure_titles({}).empty());
}

TEST(Html, SaysWhereTheFiguresComeFrom) {
  results::RunData run = example_run();
  run.info = results::testing::example_info();
  results::EnvironmentRow rank;
  rank.host = "node1";
  rank.cpu = "a processor";
  rank.torch = "2.10.0";
  rank.threads = 4;
  run.environment = {rank, rank};
  const std::string calm = article(page_of(run, {}), "environment");
  EXPECT_THAT(calm, HasSubstr("<dt>cpu</dt><dd>a processor</dd>"));
  EXPECT_THAT(calm, HasSubstr("No drift"));
  run.environment[1].torch = "2.11.0";
  run.environment[1].rank = 1;
  const std::string drifted = article(page_of(run, {}), "environment");
  EXPECT_THAT(drifted, HasSubstr("torch 2.10.0, 2.11.0"));
  EXPECT_THAT(drifted, Not(HasSubstr("No drift")));
  EXPECT_EQ(body_cells(drifted),
            (std::vector<std::vector<std::string>>{{"0", "0", "2.10.0"}, {"1", "1", "2.11.0"}}));
  const std::string files = article(page_of(run, {}), "files");
  for (const char* text : {"run.h5", "2025-01-02T03:04:05Z", "peakbench run &quot;a b&quot;",
                           "abc123, with uncommitted changes", "0123456789abcdef",
                           "<pre tabindex=\"0\">peakbench-aggregate run.h5 --html page.html</pre>"})
    EXPECT_THAT(files, HasSubstr(text));
  EXPECT_THAT(article(page_of(run, {}), "configuration"), HasSubstr("name: example\n"));
  EXPECT_THAT(article(page_of(run, {}), "method"),
              HasSubstr("EAB here: 10 repeats of each case, ended by unknown (15 cases)."));
}

TEST(Html, PicturesAreWithinThePage) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const results::RunData run = example_run();
  const std::vector<NamedPlot> plots = eab_plots(run.eab);
  ASSERT_FALSE(plots.empty());
  const std::string page = page_of(run, {}, plots);
  EXPECT_EQ(between(page, "<svg ", "</svg>").size(), plots.size());
  std::set<std::string> ids;
  for (const std::string& id : between(page, " id=\"", "\""))
    EXPECT_TRUE(ids.insert(id).second) << id << " twice";
  EXPECT_THAT(article(page, "picture1"), HasSubstr(plots[0].plot.title));
  EXPECT_THAT(page, Not(HasSubstr("no pictures")));
}

} // namespace
} // namespace peakbench::report
