// --where, --columns, --group-by, --sort, --limit, --list-columns as a user gives them.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "report/query.h"
#include "support/support.h"
#include "tools/aggregate_run.h"

namespace peakbench {
namespace {

using peakbench::testing::read_file;
using report::testing::eab_cases;
using report::testing::ep_cases;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AggregateQuery : public peakbench::testing::AggregateRun {
protected:
  AggregateQuery() { write("run.h5", eab_cases(), ep_cases(), 2); }
};

TEST_F(AggregateQuery, WhereLeavesOutWhatIsNotWanted) {
  const std::string text = output("run.h5 --where 'arm=cow|naive,prompt_id!=b' --detail");
  EXPECT_THAT(text, HasSubstr("EAB: every case"));
  EXPECT_THAT(text, Not(HasSubstr("prefill_once")));
  EXPECT_THAT(text, Not(HasSubstr("EP: every case")));
  EXPECT_THAT(text, HasSubstr("Rows chosen: arm=cow|naive,prompt_id!=b"));
  EXPECT_THAT(text, HasSubstr("they have no column prompt_id"));
  // Twice is both.
  EXPECT_EQ(output("run.h5 --where 'arm=cow|naive' --where prompt_id!=b --rows eab --csv -"),
            output("run.h5 --where 'arm=cow|naive,prompt_id!=b' --rows eab --csv -"));
}

TEST_F(AggregateQuery, WhereAppliesToRowsAndRepeats) {
  const auto lines = [](const std::string& text) { return std::ranges::count(text, '\n'); };
  EXPECT_EQ(lines(output("run.h5 --where 'depth>=200' --rows ep --csv -")), 1 + 8);
  EXPECT_EQ(lines(output("run.h5 --where 'depth>=200' --rows ep-samples --csv -")), 1 + 16);
  EXPECT_EQ(lines(output("run.h5 --where 'depth>=200,repeat=1' --rows ep-samples --csv -")), 1 + 8);
  const auto json =
      nlohmann::json::parse(output("run.h5 --where 'depth>=200' --rows all --json -"));
  EXPECT_EQ(json.at("ep").size(), 8u);
  EXPECT_EQ(json.at("ep_samples").size(), 16u);
  EXPECT_EQ(json.at("eab").size(), 0u);
}

TEST_F(AggregateQuery, WhereThatKeepsNothingSaysSo) {
  const auto found = run("run.h5 --where arm=nothing");
  EXPECT_EQ(found.status, 0);
  EXPECT_THAT(found.text, HasSubstr("eab        0  15"));
}

TEST_F(AggregateQuery, ColumnsGiveOneTableInEveryFormat) {
  const std::string arguments =
      "run.h5 --columns arm,depth,step_seconds --sort -step_seconds --limit 2";
  const std::string text = output(arguments);
  EXPECT_THAT(text, StartsWith("ep: 20 rows\n"));
  EXPECT_THAT(text, AllOf(HasSubstr("ep_autograd     500             1"), Not(HasSubstr("EAB"))));
  EXPECT_EQ(output(arguments + " --csv -"),
            "arm,depth,step_seconds\nep_autograd,500,1\nep_autograd,200,0.4\n");
  const auto json = nlohmann::json::parse(output(arguments + " --json -")).at("tables").at(0);
  EXPECT_EQ(json.at("rows").at(1), nlohmann::json({"ep_autograd", 200, 0.4}));
  EXPECT_THAT(output(arguments + " --markdown -"), HasSubstr("| ep_autograd | 200 | 0.4 |"));
}

TEST_F(AggregateQuery, GroupsAreATableInEveryFormat) {
  const std::string arguments = "run.h5 --group-by arm,decode --columns wall_seconds";
  EXPECT_THAT(output(arguments + " --csv -"),
              AllOf(StartsWith("arm,decode,n,wall_seconds,wall_seconds lower,wall_seconds upper\n"),
                    HasSubstr("cow,batched,3,4,2,6\n"), HasSubstr("naive,per_path,3,20,10,30\n")));
  EXPECT_THAT(output(arguments), HasSubstr("eab by arm, decode: 15 rows in 5 groups"));
  EXPECT_THAT(output("run.h5 --rows ep --group-by arm --where 'depth>=100' --csv -"),
              HasSubstr("ep_fused,3,0.001,0.001,0.001,5000000"));
}

// One kind of rows may go to every format now.
TEST_F(AggregateQuery, RowsOfOneKindInEveryFormat) {
  const auto json = nlohmann::json::parse(output("run.h5 --rows ep --json -")).at("tables").at(0);
  EXPECT_EQ(json.at("rows").size(), 20u);
  EXPECT_EQ(json.at("columns").size(), results::fields<results::EpCase>().size());
  EXPECT_EQ(output("run.h5 --rows ep --csv -"),
            report::plain_csv(
                report::query_table(results::load(scratch_ / "run.h5"), {"ep", {"*"}, {}, {}})));
  EXPECT_THAT(output("run.h5 --rows ep --markdown -"), HasSubstr("| case_id |"));
}

TEST_F(AggregateQuery, ListsColumnsWithoutAFile) {
  const auto all = run("--list-columns");
  EXPECT_EQ(all.status, 0);
  EXPECT_THAT(all.text, AllOf(HasSubstr("Columns of eab\n"), HasSubstr("Columns of ep-training\n"),
                              HasSubstr("median wall time of the repeats")));
  const auto one = run("--list-columns ep");
  EXPECT_THAT(one.text, AllOf(HasSubstr("Columns of ep\n"), Not(HasSubstr("Columns of eab\n"))));
  EXPECT_EQ(run("run.h5 --list-columns").status, 0);
  EXPECT_EQ(run("--list-columns --html page.html").status, 2);
  EXPECT_THAT(output("--list-columns ep --json -"), StartsWith("{"));
}

TEST_F(AggregateQuery, MistakesAreOneMessageAndStatus2) {
  for (const auto& [arguments, message] : std::vector<std::pair<std::string, std::string>>{
           {"run.h5 --where arm", "character 4: one of"},
           {"run.h5 --where 'dept>3'", "did you mean depth?"},
           {"run.h5 --where 'depth>x'", "\"x\" is no number"},
           {"run.h5 --where component=update", "It is one of ep-components"},
           {"run.h5 --columns arm", "Choose one: --rows eab"},
           {"run.h5 --columns dept", "did you mean depth?"},
           {"run.h5 --columns arm,,depth", "is no list of columns"},
           {"run.h5 --rows all --columns arm --json -", "--rows all"},
           {"run.h5 --rows ep", "changes nothing"},
           {"run.h5 --rows all --markdown -", "different columns"},
           {"run.h5 --where arm=cow --to new.h5", "whole files are merged"},
           {"--list-columns epp", "did you mean ep?"},
           {"", "no results file is named"}}) {
    const auto found = run(arguments);
    EXPECT_EQ(found.status, 2) << arguments;
    EXPECT_THAT(found.text, StartsWith("peakbench-aggregate: ")) << arguments;
    EXPECT_THAT(found.text, HasSubstr(message)) << arguments;
    EXPECT_EQ(std::ranges::count(found.text, '\n'), 1) << found.text;
  }
  EXPECT_EQ(run("run.h5 --columns depth --limit -1").status, 2);
}

TEST_F(AggregateQuery, HelpNamesTheOptions) {
  EXPECT_THAT(run("--help").text,
              AllOf(HasSubstr("--where"), HasSubstr("--group-by"), HasSubstr("--list-columns"),
                    HasSubstr("--fail-on-regression 10"), HasSubstr("Exit status: 0; 1 if")));
}

} // namespace
} // namespace peakbench
