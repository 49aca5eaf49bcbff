#include "results/fields.h"

#include <gmock/gmock.h>

#include <set>

#include "results/examples.h"
#include "results/member_access.h"

namespace peakbench::results {
namespace {

template <class Record>
class FieldsTest : public ::testing::Test {};
using Records =
    ::testing::Types<EabCase, EpCase, RepeatRow, EnvironmentRow, CommCase, ScalingCase, RankRow>;
TYPED_TEST_SUITE(FieldsTest, Records);

const void* address(auto& value) { return &value; }

TYPED_TEST(FieldsTest, EveryFieldIsAnotherMemberWithAnotherName) {
  TypeParam record;
  std::set<const void*> members;
  std::set<std::string_view> names;
  for (const auto& field : fields<TypeParam>()) {
    std::visit([&](auto get) { members.insert(address(get(record))); }, field.get);
    names.insert(field.name);
    EXPECT_FALSE(field.description.empty()) << field.name;
  }
  EXPECT_EQ(members.size(), fields<TypeParam>().size());
  EXPECT_EQ(names.size(), fields<TypeParam>().size());
}

TYPED_TEST(FieldsTest, MembersCoverTheRecord) {
  // Besides the compile-time count: the sizes of all members add up to the record.
  std::size_t bytes = 0;
  TypeParam record;
  for (const auto& field : fields<TypeParam>())
    std::visit([&](auto get) { bytes += sizeof(get(record)); }, field.get);
  EXPECT_EQ(bytes, sizeof(TypeParam));
}

TYPED_TEST(FieldsTest, NewRecordsHoldNothing) {
  const TypeParam record;
  for (const auto& field : fields<TypeParam>())
    if (field.role == Role::measured && field.unit != "1") {
      EXPECT_TRUE(is_absent(value_of(field, record))) << field.name;
    }
}

TEST(FieldsTest, BytesAreIntegersAndSecondsReal) {
  const auto check = [](const auto& list) {
    for (const auto& field : list) {
      const std::string name(field.name);
      if (name.ends_with("_bytes") || name.starts_with("kv_")) {
        EXPECT_EQ(field.unit, "bytes") << name;
        EXPECT_EQ(field.get.index(), 0u) << name;
      }
      if (name.find("seconds") != name.npos) {
        EXPECT_EQ(field.unit, "seconds") << name;
        EXPECT_EQ(field.get.index(), 1u) << name;
      }
    }
  };
  check(fields<EabCase>());
  check(fields<EpCase>());
  check(fields<RepeatRow>());
}

// results.md: names that readers may rely on.
TEST(FieldsTest, HoldsTheNamesThatReadersRelyOn) {
  const auto names = [](const auto& list) {
    std::set<std::string> all;
    for (const auto& field : list)
      all.emplace(field.name);
    return all;
  };
  const std::set<std::string> eab = names(fields<EabCase>());
  for (const char* name : {"case_id",
                           "prompt_id",
                           "arm",
                           "decode",
                           "dtype",
                           "prompt_tokens",
                           "max_new_tokens",
                           "branch_factor",
                           "max_paths",
                           "threshold",
                           "temperature",
                           "seed",
                           "status",
                           "reason",
                           "samples",
                           "branches",
                           "wall_seconds",
                           "peak_bytes",
                           "peak_weights_bytes",
                           "peak_kv_cache_bytes",
                           "kv_logical_bytes",
                           "kv_physical_bytes",
                           "kv_bound_bytes",
                           "kv_bytes_copied",
                           "prefill_tokens",
                           "decode_forwards",
                           "emitted_tokens",
                           "unique_tree_tokens",
                           "pruned_tokens",
                           "tree_matches_reference",
                           "rank",
                           "host",
                           "device"})
    EXPECT_TRUE(eab.contains(name)) << name;
  const std::set<std::string> ep = names(fields<EpCase>());
  for (const char* name : {"case_id",
                           "arm",
                           "depth",
                           "width",
                           "batch",
                           "steps",
                           "beta",
                           "init",
                           "optimizer",
                           "profile",
                           "dtype",
                           "status",
                           "reason",
                           "step_seconds",
                           "cold_step_seconds",
                           "peak_bytes",
                           "peak_beyond_weights_bytes",
                           "weights_bytes",
                           "reach",
                           "gradient_error",
                           "rank",
                           "host",
                           "device"})
    EXPECT_TRUE(ep.contains(name)) << name;
}

TEST(FieldsTest, DescriptionsSayWhatAbsentIs) {
  const auto find = [](std::string_view name) {
    for (const auto& field : fields<EabCase>())
      if (field.name == name)
        return description_of(field);
    return std::string();
  };
  EXPECT_THAT(find("peak_bytes"), ::testing::EndsWith("(absent: -1)"));
  EXPECT_THAT(find("wall_seconds"), ::testing::EndsWith("(absent: NaN)"));
  EXPECT_THAT(find("reason"), ::testing::EndsWith("(absent: empty)"));
}

struct Five {
  std::string text;
  double a, b;
  PeakByTag nested;
  std::int64_t last;
};
static_assert(member_count<Five>() == 5);
static_assert(member_count<PeakByTag>() == 8);

} // namespace
} // namespace peakbench::results
