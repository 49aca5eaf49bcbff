#include "base/error.h"

#include <gtest/gtest.h>

namespace peakbench {

TEST(UserError, SaysProblemReasonAndSuggestion) {
  EXPECT_STREQ(
      UserError("unknown key 'detph'", "in ep of quick.yaml:7", "Did you mean 'depth'?").what(),
      "unknown key 'detph' (in ep of quick.yaml:7) Did you mean 'depth'?");
}

TEST(UserError, LeavesOutEmptyParts) {
  EXPECT_STREQ(UserError("no model", "", "").what(), "no model");
  EXPECT_STREQ(UserError("no model", "offset 12", "").what(), "no model (offset 12)");
  EXPECT_STREQ(UserError("no model", "", "Pass --model.").what(), "no model Pass --model.");
}

// One kind must not be caught as another: each has its own status in the results.
TEST(Errors, AreToldApart) {
  EXPECT_THROW(
      try { throw TimedOut("late"); } catch (const UserError&) {} catch (const Diverged&){},
      TimedOut);
}

TEST(ExitStatus, IsWhatScriptsRelyOn) {
  EXPECT_EQ(kExitOk, 0);
  EXPECT_EQ(kExitFailedCases, 1);
  EXPECT_EQ(kExitUserError, 2);
  EXPECT_EQ(kExitInterrupted, 3);
}

} // namespace peakbench
