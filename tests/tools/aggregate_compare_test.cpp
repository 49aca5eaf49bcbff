// --compare and --fail-on-regression as a user gives them.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "report/compare.h"
#include "support/support.h"
#include "tools/aggregate_run.h"

namespace peakbench {
namespace {

using report::testing::eab_cases;
using report::testing::ep_cases;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AggregateCompare : public peakbench::testing::AggregateRun {
protected:
  AggregateCompare() { write("old.h5", eab_cases(), ep_cases(), 10); }

  std::string write_slower(const std::string& name, double factor, int repeats = 10) {
    Ep ep = ep_cases();
    for (auto& row : ep)
      if (row.arm == "ep_fused")
        row.step_seconds *= factor;
    return write(name, eab_cases(), ep, repeats);
  }
};

TEST_F(AggregateCompare, SaysWhatIsSlower) {
  write_slower("new.h5", 1.5);
  const auto found = run("new.h5 --compare old.h5");
  EXPECT_EQ(found.status, 0) << found.text; // nothing was to fail
  EXPECT_THAT(found.text, StartsWith("Comparison of times, now against the baseline"));
  EXPECT_THAT(found.text, HasSubstr("Baseline: old.h5. Now: new.h5."));
  EXPECT_THAT(found.text, Not(HasSubstr("Regressions")));
  // Case by case, what changed; with --detail all.
  EXPECT_THAT(found.text, AllOf(HasSubstr("Not listed: 15 cases"), Not(HasSubstr("is  equal"))));
  EXPECT_THAT(output("new.h5 --compare old.h5 --detail"), Not(HasSubstr("Not listed")));
  const auto json = nlohmann::json::parse(output("new.h5 --compare old.h5 --json -"));
  bool seen = false;
  for (const auto& table : json.at("tables")) {
    if (table.at("title") != "Comparison of times, now against the baseline")
      continue;
    for (const auto& row : table.at("rows")) {
      if (row.at(1) == report::kAllArms)
        continue;
      const bool is_slower = row.at(1) == "ep_fused";
      seen = seen || is_slower;
      EXPECT_EQ(row.at(3), is_slower ? 1.5 : 1.0) << row;
      EXPECT_EQ(row.at(9), is_slower ? 5 : 0) << row; // slower, at each of the depths
    }
  }
  EXPECT_TRUE(seen);
}

TEST_F(AggregateCompare, FailsOnARegressionAndOnlyThen) {
  write_slower("new.h5", 1.5);
  const auto failed = run("new.h5 --compare old.h5 --fail-on-regression 10");
  EXPECT_EQ(failed.status, 1);
  EXPECT_THAT(failed.text,
              AllOf(HasSubstr("Regressions beyond 10 %"), HasSubstr("slower by 50.00 %"),
                    HasSubstr("5 regressions beyond 10 % against old.h5")));
  EXPECT_EQ(run("new.h5 --compare old.h5 --fail-on-regression 60").status, 0);
  EXPECT_EQ(run("old.h5 --compare new.h5 --fail-on-regression 0").status, 0); // faster
  EXPECT_EQ(run("old.h5 --compare old.h5 --fail-on-regression 0").status, 0);
  // The status is the same whatever is written.
  EXPECT_EQ(run("new.h5 --compare old.h5 --fail-on-regression 10 --csv -").status, 1);
  EXPECT_EQ(run("new.h5 --compare old.h5 --fail-on-regression 10 --markdown c.md").status, 1);
  EXPECT_THAT(peakbench::testing::read_file(scratch_ / "c.md"), HasSubstr("slower by 50.00 %"));
  // Only what is chosen counts.
  EXPECT_EQ(run("new.h5 --compare old.h5 --fail-on-regression 10 --where arm!=ep_fused").status, 0);
}

TEST_F(AggregateCompare, CannotTellFromThreeRepeatsAndSaysSo) {
  write("old3.h5", {}, ep_cases(), 3);
  write_slower("new3.h5", 2, 3);
  const auto found =
      run("new3.h5 --compare old3.h5 --fail-on-regression 10 --where depth\\>0"); // EP alone
  EXPECT_EQ(found.status, 0) << found.text;
  EXPECT_THAT(found.text, HasSubstr("warning: the times of 20 of 20 cases cannot be told"));
  EXPECT_THAT(found.text, HasSubstr("cannot tell"));
}

// No case and no arm of five can tell; that all twenty take longer is no chance.
TEST_F(AggregateCompare, TellsFromAllCasesWhatNoArmTells) {
  Ep slow = ep_cases();
  for (auto& row : slow)
    row.step_seconds *= 2;
  for (const int repeats : {1, 3}) {
    const std::string number = std::to_string(repeats);
    write("old" + number + ".h5", {}, ep_cases(), repeats);
    write("new" + number + ".h5", {}, slow, repeats);
    const std::string files = "new" + number + ".h5 --compare old" + number + ".h5";
    const auto found = run(files + " --fail-on-regression 10");
    EXPECT_EQ(found.status, 1) << found.text;
    EXPECT_THAT(found.text, HasSubstr("slower by 100.0 %, all cases together"));
    EXPECT_THAT(found.text, HasSubstr("1 regression beyond 10 % against"));
    EXPECT_EQ(run(files + " --fail-on-regression 150").status, 0);
    EXPECT_EQ(run(files + " --fail-on-regression 10 --where arm=ep_fused").status, 0);
  }
}

TEST_F(AggregateCompare, MissingCasesFailUnlessAllowed) {
  Ep ep = ep_cases();
  ep.pop_back();
  write("new.h5", eab_cases(), ep, 10);
  const auto found = run("new.h5 --compare old.h5 --fail-on-regression 10");
  EXPECT_EQ(found.status, 1);
  EXPECT_THAT(found.text, HasSubstr("missing in the new run"));
  EXPECT_EQ(run("new.h5 --compare old.h5 --fail-on-regression 10 --allow-missing").status, 0);
}

TEST_F(AggregateCompare, SeveralFilesAreOneSide) {
  write_slower("new1.h5", 1.001, 3);
  write_slower("new2.h5", 1.002, 4);
  const std::string text =
      output("new1.h5 new2.h5 --compare old.h5 --compare old.h5 --detail --csv -");
  EXPECT_THAT(text, HasSubstr(",10,7,")); // repeats before (a copy counts once) and now
}

TEST_F(AggregateCompare, MistakesAreOneMessageAndStatus2) {
  write("other.h5", {report::testing::eab_case("cow", "batched", "z", 1, 1)}, {}, 3);
  for (const auto& [arguments, message] : std::vector<std::pair<std::string, std::string>>{
           {"old.h5 --fail-on-regression 5", "Add --compare BASELINE"},
           {"old.h5 --compare old.h5 --allow-missing", "nothing fails"},
           {"old.h5 --compare none.h5", "none.h5"},
           {"old.h5 --compare other.h5", "have no case in common (prompt_id z before, a b c now"},
           {"old.h5 --compare old.h5 --where arm=none", "chooses none of"},
           {"old.h5 --compare old.h5 --columns depth", "tables of its own"},
           {"old.h5 --compare old.h5 --rows ep --csv -", "tables of its own"}}) {
    const auto found = run(arguments);
    EXPECT_EQ(found.status, 2) << arguments;
    EXPECT_THAT(found.text, StartsWith("peakbench-aggregate: ")) << arguments;
    EXPECT_THAT(found.text, HasSubstr(message)) << arguments;
  }
  EXPECT_EQ(run("old.h5 --compare old.h5 --fail-on-regression=-1").status, 2);
}

} // namespace
} // namespace peakbench
