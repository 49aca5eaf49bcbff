// Two launchers on one results file.
#include <gmock/gmock.h>

#include <csignal>

#include "many_cases.h"

namespace peakbench::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

using Lock = ManyCases;

TEST_F(Lock, TheSecondLauncherRefusesAndTheFirstIsNotDisturbed) {
  Background first(2, in_halves("r.h5"));
  ASSERT_TRUE(first.hold(1)) << first.output(0); // for as long as it takes
  ASSERT_TRUE(first.has_shown(3)) << first.output(0);
  for (const int count : {0, 2}) {
    const Ended second = run_program(count, run("r.h5"));
    EXPECT_EQ(second.status, 2) << second.output;
    EXPECT_THAT(second.output, HasSubstr("is in use"));
    EXPECT_THAT(second.output, HasSubstr("process " + std::to_string(first.ranks().at(0))));
  }
  first.let_go(1);
  const Ended ended = first.wait();
  EXPECT_EQ(ended.status, 0) << ended.output;
  const results::RunData data = results::load(file("r.h5"));
  EXPECT_EQ(data.ep.size(), kAll);
  EXPECT_EQ(problem_with(data, {}), "");
}

TEST_F(Lock, AKilledLaunchersLockFileDoesNotRefuse) {
  {
    Background first(0, run("r.h5"));
    ASSERT_TRUE(first.hold(0)) << first.output(0); // by then it has the lock
    first.signal(SIGKILL);
    first.wait();
  }
  ASSERT_TRUE(fs::exists(file("r.h5.lock")));
  const Ended ended = run_program(2, run("r.h5"));
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_EQ(results::load(file("r.h5")).ep.size(), kAll);
  EXPECT_FALSE(fs::exists(file("r.h5.lock")));
}

} // namespace
} // namespace peakbench::testing
