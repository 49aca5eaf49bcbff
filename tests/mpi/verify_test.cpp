// `peakbench verify` as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher.h"
#include "support/support.h"

namespace peakbench::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Verify, Eab) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const Ended ended =
      run_program(0, {"verify", "eab", "--device", "cpu", "--model",
                      (shared / "data/models/stories260k/stories260K.bin").string()});
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_THAT(ended.output,
              AllOf(HasSubstr("ok     cpu    tree of cow, batched"),
                    HasSubstr("KV copied by cow, batched's forks: expected 0 bytes, measured 0"),
                    HasSubstr("control: tree of original, per_path with another seed"),
                    HasSubstr("fails as it must"), HasSubstr("meets its criteria here"),
                    Not(HasSubstr("FAILED"))));
}

TEST(Verify, Ep) {
  const Ended ended = run_program(0, {"verify", "ep", "--device", "cpu"});
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_THAT(ended.output,
              AllOf(HasSubstr("energy difference of ep_fused"),
                    HasSubstr("control: training loss of the published gradient from noisy states"),
                    HasSubstr("growth from depth 2T on of ep_fused"),
                    HasSubstr("control: growth from depth 2T on of ep_fused, with ep_autograd's"),
                    HasSubstr("slope with weights of ep_manual"),
                    HasSubstr("meets its criteria here"), Not(HasSubstr("FAILED")),
                    Not(HasSubstr("not measured"))));
}

// Something wrong on purpose: the status says so.
TEST(Verify, AFailingCriterionExitsWithOne) {
  const Ended ended = run_program(0, {"verify", "ep", "--device", "cpu", "--published-gradient"});
  EXPECT_EQ(ended.status, 1) << ended.output;
  EXPECT_THAT(ended.output, AllOf(HasSubstr("FAILED cpu    energy difference of ep_analytic"),
                                  HasSubstr("FAILED cpu    settled states of ep_fused"),
                                  HasSubstr("FAILED cpu    training loss of ep_manual"),
                                  HasSubstr("does NOT meet its criteria here"),
                                  Not(HasSubstr("ok     cpu    energy"))));
}

TEST(Verify, MemoryAndWrongWords) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const Ended memory =
      run_program(0, {"verify", "memory", "--device", "cpu", "--model",
                      (shared / "data/models/stories260k/stories260K.bin").string()});
  EXPECT_EQ(memory.status, 0) << memory.output;
  EXPECT_THAT(memory.output, HasSubstr("memory tracking works here"));
  EXPECT_EQ(run_program(0, {"verify", "everything"}).status, 2);
  EXPECT_EQ(run_program(0, {"verify", "eab", "--model", "none.gguf"}).status, 2);
}

} // namespace
} // namespace peakbench::testing
