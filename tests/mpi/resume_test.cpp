// A results file that HDF5 does not survive, given to a run: one message on any number of ranks,
// and the file as it was.
#include "results/resume_check.h"

#include <gmock/gmock.h>

#include <optional>

#include "base/error.h"
#include "launcher.h"
#include "results/mutations.h"
#include "results/store.h"
#include "support/support.h"

namespace peakbench::testing {
namespace {

using ::testing::HasSubstr;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

class Resume : public ::testing::Test {
protected:
  Resume() {
    write_file(scratch_ / "c.yaml", "name: r\ndevice: cpu\ncluster: {threads: 1}\n"
                                    "repeats: {warm_up: 0, min: 1, max: 1}\n"
                                    "ep: {arms: [ep_fused, backprop], depths: [2, 3], width: 8, "
                                    "batch: 2, steps: 4}\n");
    EXPECT_EQ(run(1).status, 0);
    good_ = read_file(scratch_ / "r.h5");
    plan_hash_ = results::load(scratch_ / "r.h5").info.plan_hash;
  }
  Ended run(int ranks, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"run", scratch_ / "c.yaml", "--out", scratch_ / "r.h5"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(ranks, arguments, 60);
  }
  void expect_refused(const std::string& bad) const {
    for (const int ranks : {1, 2}) {
      write_file(scratch_ / "r.h5", bad);
      const Ended ended = run(ranks, {"--retry-failed"});
      EXPECT_EQ(ended.status, 2) << ended.output;
      EXPECT_EQ(count(ended.output, "peakbench: "), 1u) << ended.output;
      EXPECT_THAT(ended.output, HasSubstr((scratch_ / "r.h5").string()));
      EXPECT_TRUE(read_file(scratch_ / "r.h5") == bad) << "the file was changed";
    }
  }
  // What the check, with no run around it, says of the file.
  std::string said_of(const std::string& bytes) const {
    const std::string path = scratch_ / "try.h5";
    write_file(path, bytes);
    results::GuardLimits limits;
    limits.cpu_seconds = 1 * PEAKBENCH_SLOWED_BY;
    results::ResumeCheck check(limits);
    try {
      check.check(path, plan_hash_);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  }

  ScratchFolder scratch_;
  std::string good_, plan_hash_;
};

TEST_F(Resume, ASoundFileIsGoneOnWith) {
  for (const int ranks : {0, 2}) {
    const Ended again = run(ranks, {"--retry-failed"});
    EXPECT_EQ(again.status, 0) << again.output;
    EXPECT_THAT(again.output, HasSubstr("0 of 4 cases to do"));
  }
  EXPECT_EQ(results::load(scratch_ / "r.h5").ep.size(), 4u);
}

TEST_F(Resume, AFileThatHdf5NeverComesBackFrom) {
  const std::string bad = results::testing::without_heap(good_, 0);
  ASSERT_FALSE(bad.empty());
  expect_refused(bad);
}

TEST_F(Resume, AFileThatHdf5CrashesOn) {
  results::testing::Mutations mutations(good_);
  for (int tries = 0; tries < 400; ++tries) {
    const std::string bad = mutations.next();
    if (said_of(bad).find("crashed on it") != std::string::npos) {
      expect_refused(bad);
      return;
    }
  }
  GTEST_SKIP() << "this HDF5 library crashes on none of 400 damaged files";
}

TEST_F(Resume, AFileThatEndsTooEarly) { expect_refused(good_.substr(0, good_.size() / 2)); }

} // namespace
} // namespace peakbench::testing
