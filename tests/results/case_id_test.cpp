#include <gtest/gtest.h>

#include <set>

#include "results/examples.h"

namespace peakbench::results {
namespace {

using testing::filled;

TEST(CaseIdTest, IsTheSameInEveryVersion) {
  // Golden values: a change of them would make every stored file look unfinished.
  EabCase eab;
  eab.arm = "cow";
  eab.threshold = 0.1;
  eab.seed = 42;
  EXPECT_EQ(case_id_of(eab), "4c423641b9723cce");
  EpCase ep;
  ep.arm = "ep_fused";
  ep.depth = 500;
  ep.beta = 0.5;
  EXPECT_EQ(case_id_of(ep), "90aa70960a1700f9");
}

template <class Record>
void changes_with_independent_variables_only() {
  const Record original = filled<Record>(1), other = filled<Record>(2);
  std::set<std::string> ids{case_id_of(original)};
  std::size_t independent = 0;
  for (const auto& field : fields<Record>()) {
    Record changed = original;
    std::visit([&](auto get) { get(changed) = get(const_cast<Record&>(other)); }, field.get);
    if (field.role == Role::independent) {
      ++independent;
      EXPECT_TRUE(ids.insert(case_id_of(changed)).second) << field.name;
    } else {
      EXPECT_EQ(case_id_of(changed), case_id_of(original)) << field.name;
    }
  }
  EXPECT_EQ(ids.size(), independent + 1);
}

TEST(CaseIdTest, ChangesWithEveryIndependentVariableAndNothingElse) {
  changes_with_independent_variables_only<EabCase>();
  changes_with_independent_variables_only<EpCase>();
}

TEST(CaseIdTest, TellsDoublesThatDifferInTheLastBit) {
  EpCase a, b;
  a.beta = 0.1 + 0.2;
  b.beta = 0.3;
  EXPECT_NE(case_id_of(a), case_id_of(b));
}

TEST(CaseIdTest, LineBreaksCannotImitateAnotherVariable) {
  EabCase a, b;
  a.model = "m\nweights=file";
  b.model = "m";
  b.weights = "file";
  EXPECT_NE(case_id_of(a), case_id_of(b));
}

TEST(CaseIdTest, AbsentVariablesDoNotCount) {
  EabCase with, without;
  with.arm = without.arm = "cow";
  with.top_k = kAbsent;
  with.budget = "";
  EXPECT_EQ(case_id_of(with), case_id_of(without));
}

} // namespace
} // namespace peakbench::results
