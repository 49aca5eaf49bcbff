// Where peakbench-aggregate writes: what it must not overwrite, and what it must not keep quiet.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/support.h"
#include "tools/aggregate_run.h"

namespace peakbench {
namespace {

namespace fs = std::filesystem;
using peakbench::testing::AggregateRun;
using peakbench::testing::read_file;
using peakbench::testing::write_file;
using report::testing::eab_cases;
using report::testing::ep_cases;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class AggregateOutputs : public AggregateRun {
protected:
  AggregateOutputs() { write("run.h5", eab_cases(), ep_cases()); }

  void expect_refused(const std::string& arguments, const std::string& message) const {
    const auto refused = run(arguments);
    EXPECT_EQ(refused.status, 2) << arguments;
    EXPECT_THAT(refused.text, AllOf(StartsWith("peakbench-aggregate: "), HasSubstr(message)))
        << arguments;
    EXPECT_EQ(std::ranges::count(refused.text, '\n'), 1) << refused.text;
  }
};

TEST_F(AggregateOutputs, TwoOfThemAreNeverOneFile) {
  expect_refused("run.h5 --csv x --json x", "--csv and --json are the same file x");
  expect_refused("run.h5 --csv x --html ./x", "--csv and --html are the same file");
  expect_refused("run.h5 --to x.h5 --markdown x.h5", "--markdown and --to are the same file");
  fs::create_symlink("x", scratch_ / "link");
  write_file(scratch_ / "x", "mine");
  expect_refused("run.h5 --csv x --json link --force", "--csv and --json are the same file");
  EXPECT_EQ(read_file(scratch_ / "x"), "mine");
  EXPECT_EQ(run("run.h5 --csv x1 --json x2").status, 0) << "control";
  EXPECT_EQ(run("run.h5 --csv /dev/null --json /dev/null").status, 0) << "a device";
}

// Results are hours of measuring; --force is about what is made from them.
TEST_F(AggregateOutputs, AFileThatIsReadIsNotOverwritten) {
  const std::string before = read_file(scratch_ / "run.h5");
  write("old.h5", eab_cases(), ep_cases());
  fs::create_symlink("run.h5", scratch_ / "link.h5");
  fs::create_hard_link(scratch_ / "run.h5", scratch_ / "hard.h5");
  for (const char* name : {"run.h5", "./run.h5", "link.h5", "hard.h5"})
    expect_refused(std::string("run.h5 --force --csv ") + name,
                   "would take the place of a results file that is read");
  expect_refused("old.h5 --compare run.h5 --force --json run.h5", "--json run.h5 would take");
  expect_refused("old.h5 --compare run.h5 --force --to run.h5", "--to run.h5 would take");
  EXPECT_EQ(read_file(scratch_ / "run.h5"), before);
}

TEST_F(AggregateOutputs, MergingIntoAnInputLosesNoRow) {
  const std::string before = read_file(scratch_ / "run.h5");
  write_file(scratch_ / "bad.h5", "of a newer version, perhaps");
  expect_refused("run.h5 --to run.h5 --force --where arm=cow", "what --where leaves out");
  expect_refused("run.h5 bad.h5 --to bad.h5 --force --keep-going", "what --keep-going leaves out");
  EXPECT_EQ(read_file(scratch_ / "run.h5"), before);
  EXPECT_EQ(run("run.h5 --to run.h5 --force").status, 0);
  EXPECT_EQ(results::load(scratch_ / "run.h5").ep.size(), ep_cases().size());
}

TEST_F(AggregateOutputs, LinksStayAndWhatTheyPointToIsWritten) {
  write_file(scratch_ / "real", "old");
  write("real.h5", {}, ep_cases());
  fs::create_symlink("real", scratch_ / "link");
  fs::create_symlink("real.h5", scratch_ / "link.h5");
  EXPECT_EQ(run("run.h5 --csv link --to link.h5 --force").status, 0);
  EXPECT_TRUE(fs::is_symlink(scratch_ / "link"));
  EXPECT_TRUE(fs::is_symlink(scratch_ / "link.h5"));
  EXPECT_THAT(read_file(scratch_ / "real"), StartsWith("\"EAB"));
  EXPECT_EQ(results::load(scratch_ / "real.h5").eab.size(), eab_cases().size());
}

// As root, "--to /dev/null --force" would leave the machine without one.
TEST_F(AggregateOutputs, NoDeviceOrPipeBecomesAResultsFile) {
  const std::string pipe = scratch_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  expect_refused("run.h5 --to pipe --force", "not a regular file");
  EXPECT_TRUE(fs::is_fifo(pipe));
  expect_refused("run.h5 --to -", "cannot go to the standard output");
  EXPECT_FALSE(fs::exists(scratch_ / "-"));
}

TEST_F(AggregateOutputs, TheStandardOutputHasOtherNames) {
  const std::string csv = output("run.h5 --csv -");
  EXPECT_EQ(output("run.h5 --csv /dev/stdout"), csv);
  expect_refused("run.h5 --csv /dev/stdout --json -", "two formats");
}

TEST_F(AggregateOutputs, WhatDoesNotArriveIsAnError) {
  const auto to = [](const std::string& options, const std::string& where) {
    return "run.h5 " + options + " 2>error >" + where + "; status=$?; cat error; exit $status";
  };
  for (const char* options : {"", "--csv -", "--html -", "--list-columns"})
    expect_refused(to(options, "/dev/full"),
                   "cannot write to the standard output (No space left on device)");
  expect_refused(to("--csv -", "&-"), "cannot write to the standard output (Bad file");
  EXPECT_EQ(run(to("--csv -", "/dev/null")).status, 0) << "control";
  expect_refused("run.h5 --csv /dev/full", "cannot write /dev/full (No space left on device)");
}

// --csv "$OUT" without an OUT.
TEST_F(AggregateOutputs, AnEmptyNameIsNoWayToLeaveAnOptionOut) {
  for (const char* option : {"--to", "--csv", "--json", "--markdown", "--html", "--plots",
                             "--compare", "--files-from", "--plot-case"})
    expect_refused(std::string("run.h5 ") + option + " ''",
                   std::string(option) + ": the name is empty");
  expect_refused("''", "FILE: the name is empty");
}

} // namespace
} // namespace peakbench
