#include "aggregate/crash_message.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/support.h"

namespace peakbench::aggregate {
namespace {

namespace fs = std::filesystem;

TEST(CrashMessageTest, ACrashIsAMessageAndLeavesNothing) {
  const testing::ScratchFolder scratch;
  const std::string part = scratch / "x.part", other = scratch / "x";
  for (const int number : {SIGSEGV, SIGABRT}) {
    testing::write_file(part, "half");
    testing::write_file(other, "whole");
    EXPECT_EXIT(
        {
          const CrashMessage crash("cannot write x", {part, scratch / "none"});
          raise(number);
        },
        ::testing::ExitedWithCode(2), "^cannot write x\n$");
    EXPECT_FALSE(fs::exists(part));
    EXPECT_TRUE(fs::exists(other));
  }
}

TEST(CrashMessageTest, AfterwardsACrashIsACrash) {
  EXPECT_EXIT(
      {
        { const CrashMessage crash("cannot write x", {}); }
        signal(SIGABRT, SIG_DFL); // of a sanitizer
        std::abort();
      },
      ::testing::KilledBySignal(SIGABRT), "");
}

} // namespace
} // namespace peakbench::aggregate
