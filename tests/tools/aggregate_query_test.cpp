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
  EXPECT_EQ(found.status, 2);
  EXPECT_THAT(found.text, HasSubstr("--where \"arm=nothing\" chooses none of 35 rows"));
  EXPECT_THAT(found.text, AllOf(HasSubstr("of eab arm is naive, "), HasSubstr("ep_fused")));
  EXPECT_EQ(run("run.h5 --where arm=cow --rows ep --csv -").status, 2) << "no EP case is cow";
  EXPECT_EQ(run("run.h5 --where arm=cow --rows eab-samples --csv -").status, 0);
  EXPECT_EQ(run("run.h5 --where repeat=9 --rows eab-samples --csv -").status, 2);
}

TEST_F(AggregateQuery, AMergedFileOfChosenCasesSaysWhatItIs) {
  const auto merged = run("run.h5 --where arm=cow --where prompt_id!=b --to cow.h5");
  EXPECT_EQ(merged.status, 0) << merged.text;
  EXPECT_THAT(merged.text, HasSubstr(" of 35, a selection\n"));
  EXPECT_EQ(output("cow.h5 --rows eab-samples --columns case_id,repeat,seconds --csv -"),
            output("run.h5 --where 'arm=cow,prompt_id!=b' --rows eab-samples "
                   "--columns case_id,repeat,seconds --csv -"));
  const std::string tables = output("cow.h5");
  EXPECT_THAT(tables, AllOf(HasSubstr("VALID, a selection: "), Not(HasSubstr("VALID: ")),
                            HasSubstr("run.h5  arm=cow and prompt_id!=b")));
  EXPECT_THAT(output("cow.h5 --columns arm"), HasSubstr("Rows chosen when the files were merged"));
  EXPECT_THAT(output("run.h5 --where arm=cow"), HasSubstr("VALID, a selection: "));
  // As a baseline too; and what it lacks is missing in the new run.
  EXPECT_THAT(output("run.h5 --compare cow.h5"),
              HasSubstr("A selection: cow.h5 holds only cases with arm=cow and prompt_id!=b."));
  EXPECT_EQ(run("cow.h5 --compare run.h5 --fail-on-regression 5").status, 1);
  EXPECT_EQ(run("run.h5 --where arm=none --to none.h5").status, 2);
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "none.h5"));
}

TEST_F(AggregateQuery, MergingIsNotAllWhereMoreIsAskedFor) {
  EXPECT_THAT(run("run.h5 --to one.h5 --columns arm --limit 1 --rows ep").text,
              HasSubstr("The first 1 of 20 rows."));
  EXPECT_THAT(run("run.h5 --to two.h5 --compare run.h5 --fail-on-regression 5").text,
              HasSubstr("no regressions beyond 5 % against run.h5"));
}

TEST_F(AggregateQuery, TellsItsVersion) {
  const auto found = run("--version");
  EXPECT_EQ(found.status, 0);
  EXPECT_THAT(found.text, AllOf(StartsWith("peakbench-aggregate " PEAKBENCH_VERSION),
                                HasSubstr("results schema 1")));
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
           {"run.h5 --where repeat=1 --to new.h5", "no column repeat in the rows of eab, ep"},
           {"run.h5 --limit 3x --columns arm", "3x is no whole number from 0 on"},
           {"run.h5 --compare run.h5 --fail-on-regression five", "five is no number from 0 on"},
           {"run.h5 --colums arm", "there is no option --colums (did you mean --columns?)"},
           {"run.h5 --rows epp --csv -", "did you mean ep?"},
           {"run.h5 --csv", "--csv: "},
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
