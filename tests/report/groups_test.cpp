#include "report/groups.h"

#include <gmock/gmock.h>

#include "report/examples.h"

namespace peakbench::report {
namespace {

using namespace testing;
using ::testing::ElementsAre;

TEST(GroupsTest, NumbersByValueWordsByLetters) {
  EXPECT_TRUE(setting_less({"5"}, {"10"}));
  EXPECT_FALSE(setting_less({"10"}, {"5"}));
  EXPECT_TRUE(setting_less({"0.05", "x"}, {"0.1", "a"}));
  EXPECT_TRUE(setting_less({"1", "a"}, {"1.0", "b"}));
  EXPECT_TRUE(setting_less({"7"}, {"bfloat16"}));
  EXPECT_TRUE(setting_less({"synthetic:qwen2.5-0.5b"}, {"synthetic:qwen2.5-1.5b"}));
  EXPECT_FALSE(setting_less({"a"}, {"a"}));
}

TEST(GroupsTest, TellsASettingButForWhatIsToldElsewhere) {
  std::vector<results::EpCase> rows(2);
  rows[0].depth = 10;
  rows[1].depth = 20;
  rows[0].batch = 8;
  rows[1].batch = 16;
  const auto grouping = group_rows(rows, std::span<const std::string_view>());
  ASSERT_EQ(grouping.groups.size(), 2u);
  EXPECT_EQ(setting_text(grouping, grouping.groups[0]), "depth 10, batch 8");
  EXPECT_EQ(setting_text(grouping, grouping.groups[0], {"depth"}), "batch 8");
}

TEST(GroupsTest, TheOrderOfRowsDoesNotShow) {
  auto cases = eab_cases();
  for (auto& row : cases)
    row.max_paths = row.prompt_id == "a" ? 20 : row.prompt_id == "b" ? 5 : 100;
  constexpr std::string_view kCompared[] = {"prompt_id", "prompt_hash", "arm", "decode"};
  std::vector<std::string> order;
  for (const auto& group : group_rows(cases, kCompared).groups)
    order.push_back(group.setting.front());
  EXPECT_THAT(order, ElementsAre("5", "20", "100"));
}

} // namespace
} // namespace peakbench::report
