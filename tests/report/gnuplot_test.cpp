#include "report/gnuplot.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "base/error.h"
#include "report/gnuplot_here.h"
#include "report/plot.h"

namespace peakbench::report {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(RunFilter, PassesTextThroughAndTellsTheStatus) {
  const std::string large(3 << 20, 'x'); // more than a pipe holds
  EXPECT_EQ(run_filter({"cat"}, large).output, large);
  const Finished failed = run_filter({"sh", "-c", "echo out; echo wrong >&2; exit 3"}, "");
  EXPECT_EQ(failed.status, 3);
  EXPECT_EQ(failed.output, "out\n");
  EXPECT_EQ(failed.errors, "wrong\n");
  EXPECT_EQ(run_filter({"no-such-program-anywhere"}, "").status, 127);
}

TEST(RunGnuplot, SaysWhatIsWrongWithAScript) {
  PEAKBENCH_NEEDS_GNUPLOT();
  EXPECT_THAT([] { run_gnuplot("plot nonsense(\n"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("gnuplot failed")));
}

TEST(RequireGnuplot, IsOneClearMessageWhereItIsMissing) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  EXPECT_THAT(require_gnuplot,
              ThrowsMessage<UserError>(HasSubstr("install the package gnuplot-nox")));
  setenv("PATH", path.c_str(), 1);
}

} // namespace
} // namespace peakbench::report
