// Disks that are full, may not be written to, or are gone.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "many_cases.h"
#include "results/python.h"

namespace peakbench::testing {
namespace {

namespace fs = std::filesystem;
using results::testing::quoted;
using ::testing::HasSubstr;

class Disk : public ManyCases {
protected:
  // The words of a run of the configuration, for a shell.
  std::string command(const std::string& out, int ranks) const {
    return (ranks > 0 ? quoted(PEAKBENCH_LAUNCH) + " " + std::to_string(ranks) + " " : "") +
           quoted(PEAKBENCH_PROGRAM) + " run " + quoted(file("c.yaml")) + " --out " + quoted(out);
  }
  // In a mount namespace of its own.
  static std::optional<results::testing::Output> shell(const std::string& script) {
    if (results::testing::run_shell("unshare -m true 2>/dev/null") != 0)
      return std::nullopt;
    return results::testing::run_program("unshare -m bash -c " + quoted(script));
  }
  // What is there can be gone on with.
  void expect_resumable(const std::string& name, std::size_t at_least) {
    const results::RunData before = results::load(file(name));
    EXPECT_GE(before.ep.size(), at_least);
    EXPECT_EQ(problem_with(before, {}), "");
    Promised promised;
    for (const auto& record : before.ep)
      promised.measured[record.case_id] = record.step_seconds;
    const Ended ended = run_program(2, run(name));
    EXPECT_EQ(ended.status, 0) << ended.output;
    const results::RunData after = results::load(file(name));
    EXPECT_EQ(after.ep.size(), kAll);
    EXPECT_EQ(problem_with(after, promised), "");
  }
};

TEST_F(Disk, AFullOneEndsTheRunWithAWordAndWithWhatThereWas) {
  for (const int ranks : {0, 2}) {
    const std::string name = "full" + std::to_string(ranks) + ".h5";
    fs::create_directories(file("disk"));
    const auto ended =
        shell("mount -t tmpfs -o size=560k tmpfs " + quoted(file("disk")) + " && " +
              command(file("disk/r.h5"), ranks) + "; status=$?; cp " + quoted(file("disk/r.h5")) +
              " " + quoted(file(name)) + "; exit $status");
    if (!ended)
      GTEST_SKIP() << "needs to mount a small disk (root)";
    EXPECT_EQ(ended->status, 2) << ended->text;
    EXPECT_THAT(ended->text, HasSubstr("No space left on device"));
    EXPECT_THAT(ended->text, HasSubstr("what was written before is safe"));
    EXPECT_EQ(ended->text.find("peakbench: cannot"), ended->text.rfind("peakbench: cannot"))
        << "once";
    expect_resumable(name, 1);
  }
}

TEST_F(Disk, ALimitOfFileSizeIsAFullDisk) {
  Background background(2, in_halves("q.h5"));
  ASSERT_TRUE(background.hold(1)) << background.output(0); // half of the plan is left to be written
  ASSERT_TRUE(background.has_shown(1)) << background.output(0);
  rlimit limit{};
  limit.rlim_cur = limit.rlim_max = fs::file_size(file("q.h5"));
  ASSERT_EQ(prlimit(background.ranks().at(0), RLIMIT_FSIZE, &limit, nullptr), 0);
  background.let_go(1);
  const Ended ended = background.wait();
  EXPECT_EQ(ended.status, 2) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("File too large"));
  EXPECT_THAT(ended.output, HasSubstr("what was written before is safe"));
  expect_resumable("q.h5", 1);
}

TEST_F(Disk, AFolderThatMayNotBeWrittenToIsTold) {
  fs::create_directories(file("ro"));
  const auto ended = shell("mount -t tmpfs -o ro tmpfs " + quoted(file("ro")) + " && " +
                           command(file("ro/r.h5"), 2));
  if (!ended)
    GTEST_SKIP() << "needs to mount a disk (root)";
  EXPECT_EQ(ended->status, 2) << ended->text;
  EXPECT_THAT(ended->text, HasSubstr("cannot write results file"));
  EXPECT_THAT(ended->text, HasSubstr("Read-only file system"));
}

TEST_F(Disk, AFileThatMayNotBeWrittenToIsNotTouched) {
  fs::create_directories(file("ro"));
  ASSERT_EQ(run_program(0, run("ro/r.h5", {"--set", "ep.depths=2"})).status, 0);
  const std::string before = read_file(file("ro/r.h5"));
  const auto ended = shell("mount --bind " + quoted(file("ro")) + " " + quoted(file("ro")) +
                           " && mount -o remount,bind,ro " + quoted(file("ro")) + " && " +
                           command(file("ro/r.h5"), 2));
  if (!ended)
    GTEST_SKIP() << "needs to mount a disk (root)";
  EXPECT_EQ(ended->status, 2) << ended->text;
  EXPECT_THAT(ended->text, HasSubstr("Read-only file system"));
  EXPECT_EQ(read_file(file("ro/r.h5")), before);
}

TEST_F(Disk, AFolderThatGoesAwayEndsTheRun) {
  fs::create_directories(file("out"));
  Background background(2, in_halves("out/r.h5"));
  ASSERT_TRUE(background.hold(1)) << background.output(0);
  ASSERT_TRUE(background.has_shown(2)) << background.output(0);
  fs::rename(file("out"), file("elsewhere"));
  background.let_go(1);
  const Ended ended = background.wait();
  EXPECT_EQ(ended.status, 2) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("No such file or directory"));
  EXPECT_GE(results::load(file("elsewhere/r.h5")).ep.size(), 2u);
  fs::rename(file("elsewhere"), file("out"));
  expect_resumable("out/r.h5", 2);
}

} // namespace
} // namespace peakbench::testing
