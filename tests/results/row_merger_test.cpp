// Which cases a merged file takes, and what it says of those that it does not.
#include "results/row_merger.h"

#include <gmock/gmock.h>

#include "results/examples.h"
#include "results/in_memory.h"
#include "results/message_of.h"

namespace peakbench::results {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::ep_example;
using testing::example_info;
using testing::filled;
using ::testing::HasSubstr;
using testing::message_of;

const MergeInfo kMerge{"2025-02-03T04:05:06Z", "peakbench-aggregate a b --where x --to c"};

MergeOptions only_depths(std::int64_t least, const std::string& conditions) {
  MergeOptions options;
  options.selection = {conditions, [least](const RunData& rows) {
                         std::vector<char> marks;
                         for (const EpCase& row : rows.ep)
                           marks.push_back(row.depth >= least);
                         return marks;
                       }};
  return options;
}

class RowMergerTest : public ::testing::Test {
protected:
  std::string file(const std::string& name) const { return scratch_ / name; }
  static EpRow row_of(int number) {
    EpRow row = ep_example(number);
    row.record.environment = 0;
    row.record.source = kAbsent;
    for (RepeatRow& repeat : row.repeats)
      repeat.source = kAbsent;
    return row;
  }
  static RunInfo info() {
    RunInfo info = example_info();
    info.plan_hash = "one";
    return info;
  }
  // EP cases first..last on a machine of their own, and a launch.
  void write_ep(const std::string& name, int first, int last) const {
    Store store = Store::create(file(name), info());
    EnvironmentRow machine = filled<EnvironmentRow>(1);
    machine.host = "host of " + name;
    store.write_environment({machine});
    for (int number = first; number <= last; ++number)
      store.append(row_of(number));
    RankRow rank = filled<RankRow>(0);
    rank.environment = 0;
    rank.seconds = first + 0.5;
    rank.source = kAbsent;
    store.write_ranks({rank});
  }
  MergeSummary merge(std::vector<std::string> names, const std::string& to) const {
    for (std::string& name : names)
      name = file(name);
    return merge_files(names, file(to), kMerge, false);
  }

  const testing::InMemory memory_;
  const peakbench::testing::ScratchFolder& scratch_ = *memory_;
};

// With all that belongs to the cases, and with a word that it is not everything.
TEST_F(RowMergerTest, ChosenCasesAreASelectionAndSaySo) {
  write_ep("a.h5", 0, 2);
  write_ep("b.h5", 3, 4);
  const std::int64_t least = ep_example(2).record.depth;
  ASSERT_GT(least, ep_example(1).record.depth);
  const MergeSummary summary = merge_files({file("a.h5"), file("b.h5")}, file("to.h5"), kMerge,
                                           false, only_depths(least, "depth>=2"));
  EXPECT_EQ(summary.cases, 3);
  EXPECT_EQ(summary.not_chosen, 2);
  const RunData a = load(file("a.h5")), to = load(file("to.h5"));
  ASSERT_EQ(to.ep.size(), 3u);
  EXPECT_EQ(to.ep[0].case_id, "ep2");
  EXPECT_EQ(to.environment[static_cast<std::size_t>(to.ep[0].environment)].host, "host of a.h5");
  for (const RepeatRow& row : to.ep_repeats)
    EXPECT_NE(row.case_id, "ep1");
  EXPECT_EQ(to.ep_repeats.size(), a.ep_repeats.size()) << "three cases each";
  EXPECT_EQ(to.ep_training.size(), a.ep_training.size());
  EXPECT_EQ(to.ranks.size(), 2u);
  EXPECT_EQ(load_ep_trace(file("to.h5"), "ep2").energy, load_ep_trace(file("a.h5"), "ep2").energy);
  EXPECT_THAT(message_of([&] { load_ep_trace(file("to.h5"), "ep1"); }), HasSubstr("no trace"));
  ASSERT_EQ(to.sources.size(), 2u);
  EXPECT_EQ(to.sources[0].selection, "depth>=2");
  EXPECT_EQ(to.sources[0].cases, 3);
  EXPECT_EQ(to.sources[0].kept_cases, 1);
  // It merges like any file, and what was said of it stays.
  merge({"to.h5"}, "again.h5");
  EXPECT_EQ(load(file("again.h5")).sources[0].selection, "depth>=2");
  merge_files({file("to.h5")}, file("less.h5"), kMerge, false, only_depths(least + 1, "depth>=3"));
  EXPECT_EQ(load(file("less.h5")).sources[1].selection, "depth>=2 and depth>=3");
  // With the whole file beside it every case is there once.
  EXPECT_EQ(merge({"to.h5", "a.h5"}, "whole.h5").cases, 5);
  EXPECT_EQ(load(file("whole.h5")).sources.size(), 3u) << "chosen from, and whole";
}

TEST_F(RowMergerTest, ARunGoesOnWithWhatWasNotChosen) {
  write_ep("a.h5", 0, 2);
  merge_files({file("a.h5")}, file("to.h5"), kMerge, false,
              only_depths(ep_example(2).record.depth, "depth>=2"));
  {
    Store store = Store::resume(file("to.h5"), info());
    ASSERT_EQ(store.finished().size(), 1u);
    EXPECT_EQ(store.finished()[0].first, "ep2");
    store.append(row_of(1));
  }
  const RunData data = load(file("to.h5"));
  EXPECT_EQ(data.ep.size(), 2u);
  EXPECT_EQ(data.ep[1].source, kAbsent) << "measured into this file";
  EXPECT_EQ(data.sources[0].selection, "depth>=2");
}

TEST_F(RowMergerTest, ASelectionOfNothingWritesNothing) {
  write_ep("a.h5", 0, 2);
  EXPECT_THAT(message_of([&] {
                merge_files({file("a.h5")}, file("to.h5"), kMerge, false,
                            only_depths(INT64_MAX, "depth>=1000000"));
              }),
              AllOf(HasSubstr("none of 3 cases is chosen"), HasSubstr("depth>=1000000")));
  EXPECT_FALSE(fs::exists(file("to.h5")));
}

} // namespace
} // namespace peakbench::results
