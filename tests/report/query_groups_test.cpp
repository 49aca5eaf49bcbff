#include "report/query_groups.h"

#include <gmock/gmock.h>

#include "report/examples.h"

namespace peakbench::report {
namespace {

using results::Value;

TEST(QueryGroupsTest, ValuesAreOrderedByTheirType) {
  EXPECT_LT(compare_values(Value{9.5}, Value{10.0}), 0);
  EXPECT_GT(compare_values(Value{std::string("9.5")}, Value{std::string("10")}), 0);
  EXPECT_EQ(compare_values(Value{std::int64_t{3}}, Value{std::int64_t{3}}), 0);
  EXPECT_GT(compare_values(Value{9.5}, Value{10.0}, true), 0);
  const Value absent{results::kAbsentReal};
  EXPECT_GT(compare_values(absent, Value{1.0}), 0);
  EXPECT_GT(compare_values(absent, Value{1.0}, true), 0);
  EXPECT_EQ(compare_values(absent, absent), 0);
}

// "1" + "23" and "12" + "3" are two groups.
TEST(QueryGroupsTest, NoTwoSettingsAreTakenForOne) {
  const auto text = [](const std::string& value) { return Value{value}; };
  const std::vector<QueryColumn> by{{"a", "", true, {text("1"), text("12"), text("1")}},
                                    {"b", "", true, {text("23"), text("3"), text("23")}}};
  const Groups groups = grouped(by, {}, 3);
  EXPECT_EQ(groups.count, 2u);
  ASSERT_EQ(groups.columns.size(), 3u);
  EXPECT_EQ(groups.columns[2].values[0], Value{std::int64_t{2}});
  EXPECT_EQ(groups.columns[2].values[1], Value{std::int64_t{1}});
}

TEST(QueryGroupsTest, ColumnsAreTakenOutByName) {
  const results::RunData run = testing::example_run();
  const auto columns = query_columns(run, "ep", {"depth", "arm"});
  ASSERT_EQ(columns.size(), 2u);
  EXPECT_FALSE(columns[0].is_text);
  EXPECT_TRUE(columns[1].is_text);
  EXPECT_EQ(columns[0].values.size(), run.ep.size());
  EXPECT_EQ(columns[0].values[0], Value{run.ep[0].depth});
  EXPECT_TRUE(query_columns(run, "ep", {"none"}).empty());
}

} // namespace
} // namespace peakbench::report
