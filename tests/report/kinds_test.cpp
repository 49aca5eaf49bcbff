#include "report/kinds.h"

#include <gmock/gmock.h>

#include <set>

#include "base/error.h"
#include "report/examples.h"

namespace peakbench::report {
namespace {

using ::testing::HasSubstr;

TEST(KindsTest, EveryKindHasAName) {
  std::set<std::string_view> names;
  for (const Kind& kind : kinds()) {
    names.insert(kind.name);
    if (!kind.cases.empty()) {
      EXPECT_TRUE(kind_named(kind.cases).is_cases()) << kind.name;
    }
  }
  EXPECT_EQ(names.size(), kKinds);
}

TEST(KindsTest, ColumnsComeFromTheFieldLists) {
  const auto columns = columns_of_kind("ep");
  EXPECT_EQ(columns.size(), results::fields<results::EpCase>().size());
  EXPECT_EQ(columns[0].name, "case_id");
  EXPECT_EQ(columns[0].role, "id");
  const auto depth = std::ranges::find(columns, "depth", &ColumnOfKind::name);
  ASSERT_NE(depth, columns.end());
  EXPECT_EQ(depth->unit, "layers");
  EXPECT_EQ(depth->role, "independent");
  EXPECT_FALSE(depth->is_text);
  EXPECT_THAT(depth->description, HasSubstr("layers of the network (absent: -1)"));
  EXPECT_TRUE(has_column("ep-components", "component"));
  EXPECT_FALSE(has_column("ep", "component"));
}

TEST(KindsTest, VisitsTheRowsOfOneKind) {
  const results::RunData run = testing::example_run();
  std::size_t rows = 0;
  EXPECT_TRUE(visit_rows(run, "ep", [&](const auto& all) { rows = all.size(); }));
  EXPECT_EQ(rows, run.ep.size());
  EXPECT_FALSE(visit_rows(run, "eps", [](const auto&) {}));
}

TEST(KindsTest, GuessesWhatWasMeant) {
  try {
    kind_named("eab-sample");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean eab-samples?"));
    EXPECT_THAT(error.what(), HasSubstr("There are eab, eab-samples, ep,"));
  }
}

} // namespace
} // namespace peakbench::report
