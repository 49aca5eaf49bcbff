// The checks of the campaign notice what they are there for.
#include "checker.h"

#include <gmock/gmock.h>

#include "many_cases.h"

namespace peakbench::testing {
namespace {

using ::testing::HasSubstr;

class Checker : public ManyCases {
protected:
  Checker() {
    EXPECT_EQ(run_program(0, run("r.h5", {"--set", "seed=1"})).status, 0);
    data_ = results::load(file("r.h5"));
    for (const auto& record : data_.ep) {
      promised_.reported.insert(record.case_id);
      promised_.measured[record.case_id] = record.step_seconds;
    }
  }
  results::RunData data_;
  Promised promised_;
};

TEST_F(Checker, NoticesWhatIsLostDoubledOrDoneAgain) {
  ASSERT_EQ(data_.ep.size(), 6u);
  EXPECT_EQ(problem_with(data_, promised_), "");
  const auto damaged = [&](auto damage) {
    results::RunData data = data_;
    damage(data);
    return problem_with(data, promised_);
  };
  EXPECT_THAT(damaged([](auto& data) { data.ep.pop_back(); }), HasSubstr("reported and is lost"));
  EXPECT_THAT(damaged([](auto& data) { data.ep[2].step_seconds += 1e-9; }),
              HasSubstr("done again"));
  EXPECT_THAT(damaged([](auto& data) { data.ep.push_back(data.ep[1]); }), HasSubstr("twice"));
  EXPECT_THAT(damaged([](auto& data) { data.ep_repeats.push_back(data.ep_repeats[3]); }),
              HasSubstr("repeat twice"));
  EXPECT_THAT(damaged([](auto& data) { data.ep_repeats.pop_back(); }), HasSubstr("1 repeats"));
  EXPECT_THAT(damaged([](auto& data) { data.ep_repeats[0].case_id = "x"; }),
              HasSubstr("1 repeats"));
  EXPECT_THAT(damaged([](auto& data) { data.ep[0].status = "failed"; }),
              HasSubstr("(failed) has 2 repeats"));
  promised_.reported.clear();
  EXPECT_THAT(damaged([](auto& data) { data.ep.pop_back(); }), HasSubstr("measured and is lost"));
}

TEST_F(Checker, NoticesOtherContents) {
  EXPECT_EQ(difference(data_, data_), "");
  results::RunData other = data_;
  other.ep[3].training_loss += 1e-12;
  EXPECT_THAT(difference(other, data_), HasSubstr("differs"));
  other = data_;
  other.ep[3].step_seconds += 1;
  other.ep[3].rank = 7;
  EXPECT_EQ(difference(other, data_), "") << "times and placement may differ";
  other.ep.pop_back();
  EXPECT_THAT(difference(other, data_), HasSubstr("is missing"));
  EXPECT_THAT(difference(data_, other), HasSubstr("too many"));
  ASSERT_EQ(run_program(0, run("s.h5", {"--set", "seed=2"})).status, 0);
  EXPECT_NE(difference(results::load(file("s.h5")), data_), "");
}

TEST_F(Checker, ReadsWhatTheProgramSays) {
  const auto ids = ids_by_label(run_program(0, {"list", file("c.yaml")}).output);
  EXPECT_EQ(ids.size(), kAll);
  const Ended again = run_program(2, run("t.h5"));
  EXPECT_EQ(reported_in(again.output, ids).size(), kAll) << again.output;
  EXPECT_TRUE(reported_in("results: r.h5\n[1/2] rank 0  something else  1 s\n", ids).empty());
}

} // namespace
} // namespace peakbench::testing
