#include <gmock/gmock.h>

#include "report/eab_plots.h"
#include "report/traces.h"

namespace peakbench::report {
namespace {

using ::testing::ElementsAre;

TEST(SamplesTable, ListsTheMostLikelyFirst) {
  const results::EabTrace trace = testing::example_trace();
  const Table table = samples_table({testing::traced_case(), trace, ""});
  EXPECT_EQ(table.title, "Samples of cow, batched");
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_THAT(table.rows[0], ElementsAre("1", "-1.05", "4", "1 3", "The cat sat."));
  EXPECT_THAT(table.rows[1], ElementsAre("2", "-2.10", "2", "1", "The↵"));
  EXPECT_THAT(table.rows[2], ElementsAre("3", "-2.15", "4", "1", "The dog ran."));
}

} // namespace
} // namespace peakbench::report
