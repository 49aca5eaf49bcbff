// Many files as one: nothing lost, nothing doubled, every row with its origin.
#include "results/merge.h"

#include <gmock/gmock.h>

#include "results/examples.h"
#include "results/in_memory.h"
#include "results/message_of.h"
#include "results/python.h"

namespace peakbench::results {
namespace {

namespace fs = std::filesystem;
using peakbench::testing::read_file;
using peakbench::testing::write_file;
using ::testing::AllOf;
using testing::eab_example;
using ::testing::ElementsAre;
using testing::ep_example;
using testing::equal;
using testing::example_info;
using testing::filled;
using ::testing::HasSubstr;
using testing::message_of;

const MergeInfo kMerge{"2025-02-03T04:05:06Z", "peakbench-aggregate a b --to c"};

template <class Row>
Row in_environment(Row row, std::int64_t environment) {
  row.record.environment = environment;
  row.record.source = kAbsent;
  for (RepeatRow& repeat : row.repeats)
    repeat.source = kAbsent;
  return row;
}

template <class Row>
Row cluster_example(const std::string& id) {
  Row row;
  row.record = filled<decltype(row.record)>(3);
  row.record.case_id = id;
  row.repeats = {{id, 0, 0.25, kAbsent}, {id, 1, 0.5, kAbsent}};
  return in_environment(row, 0);
}

RankRow rank_example(int rank, double seconds) {
  RankRow row = filled<RankRow>(rank);
  row.rank = rank;
  row.environment = 0;
  row.seconds = seconds;
  row.source = kAbsent;
  return row;
}

class MergeTest : public ::testing::Test {
protected:
  std::string file(const std::string& name) const { return scratch_ / name; }
  Store create(const std::string& name, const std::string& plan = "one") const {
    RunInfo info = example_info();
    info.plan_hash = plan;
    info.name = "name of " + plan;
    info.config_yaml = "yaml of " + plan;
    info.plan_json = "{\"plan\": \"" + plan + "\"}";
    info.command_line = "peakbench run --out " + name;
    return Store::create(file(name), info);
  }
  // EP cases first..last on a machine of their own.
  void write_ep(const std::string& name, int first, int last,
                const std::string& plan = "one") const {
    Store store = create(name, plan);
    EnvironmentRow machine = filled<EnvironmentRow>(1), shared = filled<EnvironmentRow>(0);
    machine.host = "host of " + name;
    const auto numbers = store.write_environment({shared, machine});
    for (int number = first; number <= last; ++number)
      store.append(in_environment(ep_example(number), numbers.at(1)));
    store.write_ranks({rank_example(0, first + 0.5), rank_example(1, first + 0.25)});
  }
  MergeSummary merge(std::vector<std::string> names, const std::string& to = "to.h5",
                     bool overwrite = false) const {
    for (std::string& name : names)
      name = file(name);
    return merge_files(names, file(to), kMerge, overwrite);
  }

  const testing::InMemory memory_;
  const peakbench::testing::ScratchFolder& scratch_ = *memory_;
};

TEST_F(MergeTest, KeepsEveryRowOfEveryTableWithItsSource) {
  write_ep("a.h5", 0, 2);
  {
    Store store = create("b.h5");
    store.write_environment({filled<EnvironmentRow>(7), filled<EnvironmentRow>(0)});
    store.append(in_environment(eab_example(1, "ok", 3000), 0));
    store.append(in_environment(eab_example(2, "failed"), 1));
    store.append(in_environment(ep_example(9), 1));
    store.append(cluster_example<CommRow>("comm1"));
    store.append(cluster_example<ScalingRow>("scaling1"));
    store.write_ranks({rank_example(0, 7)});
    store.write_ranks({rank_example(0, 8)});
  }
  const MergeSummary summary = merge({"a.h5", "b.h5"});
  EXPECT_EQ(summary.cases, 8);
  EXPECT_EQ(summary.repeated, 0);
  EXPECT_EQ(summary.plans, 1);
  EXPECT_TRUE(summary.duplicates.empty());

  const RunData a = load(file("a.h5")), b = load(file("b.h5")), to = load(file("to.h5"));
  ASSERT_EQ(to.sources.size(), 2u);
  EXPECT_EQ(to.sources[0].path, file("a.h5"));
  EXPECT_EQ(to.sources[1].command_line, "peakbench run --out b.h5");
  EXPECT_EQ(to.sources[0].cases, 3);
  EXPECT_EQ(to.sources[1].kept_cases, 5);
  EXPECT_EQ(to.sources[1].peakbench_version, PEAKBENCH_VERSION);
  EXPECT_EQ(to.info.plan_hash, "one");
  EXPECT_EQ(to.info.config_yaml, "yaml of one");
  EXPECT_EQ(to.info.created, kMerge.created);
  EXPECT_EQ(to.info.command_line, kMerge.command_line);
  EXPECT_EQ(to.environment.size(), 3u) << "that of example 0 is in both";

  // Rows in the order of the files, equal in everything but their numbers.
  const auto expect_rows = [&](const auto& merged, const auto& first, const auto& second) {
    ASSERT_EQ(merged.size(), first.size() + second.size());
    for (std::size_t i = 0; i < merged.size(); ++i) {
      const bool of_a = i < first.size();
      auto row = of_a ? first[i] : second[i - first.size()];
      row.source = of_a ? 0 : 1;
      if constexpr (requires { row.environment; }) {
        const RunData& from = of_a ? a : b;
        EXPECT_TRUE(equal(to.environment.at(static_cast<std::size_t>(merged[i].environment)),
                          from.environment.at(static_cast<std::size_t>(row.environment))));
        row.environment = merged[i].environment;
      }
      if constexpr (requires { row.launch; })
        row.launch = merged[i].launch;
      EXPECT_TRUE(equal(merged[i], row)) << i;
    }
  };
  expect_rows(to.eab, a.eab, b.eab);
  expect_rows(to.ep, a.ep, b.ep);
  expect_rows(to.comm, a.comm, b.comm);
  expect_rows(to.scaling, a.scaling, b.scaling);
  expect_rows(to.eab_repeats, a.eab_repeats, b.eab_repeats);
  expect_rows(to.ep_repeats, a.ep_repeats, b.ep_repeats);
  expect_rows(to.comm_repeats, a.comm_repeats, b.comm_repeats);
  expect_rows(to.scaling_repeats, a.scaling_repeats, b.scaling_repeats);
  expect_rows(to.ep_components, a.ep_components, b.ep_components);
  expect_rows(to.ep_operations, a.ep_operations, b.ep_operations);
  expect_rows(to.ep_training, a.ep_training, b.ep_training);
  expect_rows(to.ranks, a.ranks, b.ranks);
  EXPECT_GT(to.eab_repeats.size() * to.ep_components.size() * to.scaling_repeats.size(), 0u);
  std::vector<std::int64_t> launches;
  for (const RankRow& row : to.ranks)
    launches.push_back(row.launch);
  EXPECT_THAT(launches, ElementsAre(0, 0, 1, 2));

  EXPECT_EQ(load_eab_trace(file("to.h5"), "eab1").nodes.size(), 3000u);
  EXPECT_EQ(load_eab_trace(file("to.h5"), "eab1").samples.at(0).text, "Grüße 1");
  EXPECT_EQ(load_ep_trace(file("to.h5"), "ep9").gradient_norm.size(), 13u);
}

TEST_F(MergeTest, AFileNamedTwiceCountsOnce) {
  write_ep("a.h5", 0, 2);
  fs::copy_file(file("a.h5"), file("copy.h5"));
  const MergeSummary summary = merge({"a.h5", "copy.h5", "a.h5"});
  EXPECT_EQ(summary.cases, 3);
  EXPECT_EQ(summary.repeated, 6);
  EXPECT_TRUE(summary.duplicates.empty());
  const RunData a = load(file("a.h5")), to = load(file("to.h5"));
  EXPECT_EQ(to.ep.size(), a.ep.size());
  EXPECT_EQ(to.ep_repeats.size(), a.ep_repeats.size());
  EXPECT_EQ(to.ep_training.size(), a.ep_training.size());
  EXPECT_EQ(to.ranks.size(), a.ranks.size());
  EXPECT_EQ(to.environment.size(), a.environment.size());
  ASSERT_EQ(to.sources.size(), 2u) << "two names";
  EXPECT_EQ(to.sources[0].kept_cases, 3);
  EXPECT_EQ(to.sources[1].kept_cases, 0);
}

// Whatever the difference between two rows of a case, both are kept and named.
TEST_F(MergeTest, DifferentRowsOfACaseAreKeptAndNamed) {
  const auto only = [&](const std::string& name, const EpRow& row) {
    Store store = create(name);
    store.write_environment({filled<EnvironmentRow>(0), filled<EnvironmentRow>(1)});
    store.append(row);
  };
  const EpRow base = in_environment(ep_example(1), 0);
  only("a.h5", base);
  std::vector<EpRow> others(6, base);
  others[0].record.step_seconds = 99;
  others[1].repeats[0].seconds = 99;
  others[2].components[0].seconds = 99;
  others[3].training.pop_back();
  others[4].trace.energy[1] = 99;
  others[5].record.environment = 1;
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::string name = "b" + std::to_string(i) + ".h5", to = "to" + std::to_string(i);
    only(name, others[i]);
    const MergeSummary summary = merge({"a.h5", name, "a.h5"}, to);
    EXPECT_EQ(summary.cases, 2) << i;
    EXPECT_EQ(summary.repeated, 1) << i;
    ASSERT_EQ(summary.duplicates.size(), 1u) << i;
    EXPECT_EQ(summary.duplicates[0].kind, "ep");
    EXPECT_EQ(summary.duplicates[0].case_id, "ep1");
    EXPECT_THAT(summary.duplicates[0].files, ElementsAre(file("a.h5"), file(name)));
    const RunData data = load(file(to));
    ASSERT_EQ(data.ep.size(), 2u);
    EXPECT_EQ(data.ep[1].step_seconds, others[i].record.step_seconds);
    EXPECT_EQ(data.ep_repeats.size(), 2u);
    EXPECT_EQ(data.ep_repeats[1].source, 1);
    EXPECT_EQ(data.ep_repeats[1].seconds, others[i].repeats[0].seconds);
    EXPECT_EQ(load_ep_trace(file(to), "ep1").energy, base.trace.energy);
    EXPECT_EQ(load_ep_trace(file(to), "ep1.1").energy, others[i].trace.energy);
  }
  // A merged file with such rows merges like its parts.
  EXPECT_EQ(merge({"to4", "b4.h5", "b0.h5"}, "again").cases, 3);
  const RunData again = load(file("again"));
  EXPECT_EQ(again.sources.size(), 3u) << "the merged file itself measured nothing";
  EXPECT_EQ(again.sources[1].path, file("b4.h5"));
  EXPECT_EQ(load_ep_trace(file("again"), "ep1.1").energy, others[4].trace.energy);
}

TEST_F(MergeTest, AnOkRowIsNeverReplacedByARetryOfAnotherOne) {
  for (const auto& [name, status] : {std::pair("a.h5", "ok"), std::pair("b.h5", "failed")}) {
    Store store = create(name);
    store.append(in_environment(ep_example(1, status), kAbsent));
  }
  merge({"a.h5", "b.h5"});
  RunInfo info = example_info();
  info.plan_hash = "one";
  Store store = Store::resume(file("to.h5"), info);
  for (const auto& [id, status] : store.finished())
    EXPECT_EQ(status, "ok");
  EXPECT_THAT(message_of([&] { store.append(ep_example(1)); }), HasSubstr("its status is ok"));
}

TEST_F(MergeTest, FilesOfOnePlanGiveAFileToGoOnWith) {
  write_ep("a.h5", 0, 1);
  write_ep("b.h5", 2, 3);
  merge({"a.h5", "b.h5"});
  RunInfo info = example_info();
  info.plan_hash = "one";
  {
    Store store = Store::resume(file("to.h5"), info);
    EXPECT_EQ(store.finished().size(), 4u);
    EXPECT_EQ(store.write_environment({filled<EnvironmentRow>(0)}).at(0), 0) << "known";
    store.append(in_environment(ep_example(4), 0));
    store.write_ranks({rank_example(0, 9)});
  }
  const RunData data = load(file("to.h5"));
  EXPECT_EQ(data.ep.at(4).source, kAbsent) << "measured here";
  EXPECT_EQ(data.ranks.back().launch, 2);
  // Merged again with others, what was measured here has this file as its source.
  write_ep("c.h5", 5, 5);
  merge({"to.h5", "c.h5"}, "again.h5");
  const RunData again = load(file("again.h5"));
  ASSERT_EQ(again.sources.size(), 4u);
  EXPECT_EQ(again.sources.at(static_cast<std::size_t>(again.ep.at(4).source)).path, file("to.h5"));
  EXPECT_EQ(again.sources.at(static_cast<std::size_t>(again.ep.at(3).source)).path, file("b.h5"));
  EXPECT_EQ(again.sources.at(static_cast<std::size_t>(again.ep.at(5).source)).path, file("c.h5"));
}

TEST_F(MergeTest, SeveralPlansKeepTheirConfigurations) {
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  write_ep("a.h5", 0, 1);
  write_ep("b.h5", 2, 3, "two");
  write_ep("c.h5", 4, 4, "three");
  EXPECT_EQ(merge({"a.h5", "b.h5"}, "ab.h5").plans, 2);
  EXPECT_EQ(merge({"ab.h5", "c.h5"}).plans, 3);
  const RunData data = load(file("to.h5"));
  EXPECT_EQ(data.info.plan_hash, "several");
  EXPECT_THAT(data.info.name, AllOf(HasSubstr("name of one"), HasSubstr("name of three")));
  RunInfo info = example_info();
  info.plan_hash = "one";
  EXPECT_THAT(message_of([&] { Store::resume(file("to.h5"), info); }),
              HasSubstr("it is of another plan, several"));
  write_file(scratch_ / "script.py", R"(
import h5py
file = h5py.File('to.h5', 'r')
plans = file['/config/plans']
assert sorted(plans) == ['one', 'three', 'two'], sorted(plans)
assert plans['three/yaml'].asstr()[()] == 'yaml of three'
sources = file['/sources'][:]
hosts = file['/environment']['host']
for case in file['/ep/cases'][:]:
    source = sources[case['source']]
    assert source['path'].decode().endswith('h5')
    assert hosts[case['environment']].decode() == 'host of ' + source['path'].decode().split('/')[-1]
samples = file['/ep/samples'][:]
assert [int(one) for one in samples['source']] == [0, 0, 1, 1, 2]
assert file['/ep/samples'].attrs['source.description'].startswith('row of /sources')
print('all read')
)");
  EXPECT_EQ(testing::run_program("cd " + testing::quoted(scratch_.path()) + " && " + python +
                                 " script.py")
                .text,
            "all read\n");
}

TEST_F(MergeTest, RefusesWithOneMessageAndLeavesNothing) {
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  write_ep("a.h5", 0, 1);
  const auto changed = [&](const std::string& name, const std::string& change) {
    fs::copy_file(file("a.h5"), file(name));
    write_file(scratch_ / "change.py",
               "import h5py\nfile = h5py.File('" + file(name) + "', 'r+')\n" + change + "\n");
    EXPECT_EQ(testing::run_program(python + " " + testing::quoted(scratch_ / "change.py")).text,
              "");
  };
  changed("schema.h5", "file.attrs['schema_version'] = 99");
  changed("unit.h5", "file['/ep/samples'].attrs['seconds.unit'] = 'ms'");
  write_file(scratch_ / "cut.h5", read_file(file("a.h5")).substr(0, 6000));
  write_file(scratch_ / "mine.h5", "mine");
  for (const auto& [name, message] : std::vector<std::pair<std::string, std::string>>{
           {"none.h5", "No such file"},
           {"cut.h5", "cut.h5"},
           {"mine.h5", "not an HDF5 file"},
           {"schema.h5", "schema version 99"},
           {"unit.h5", "column seconds of /ep/samples is in another unit"}}) {
    EXPECT_THAT(message_of([&] {
                  merge({"a.h5", name});
                }),
                AllOf(HasSubstr(name), HasSubstr(message)));
    EXPECT_FALSE(fs::exists(file("to.h5"))) << name;
    EXPECT_FALSE(fs::exists(file("to.h5.part"))) << name;
    EXPECT_FALSE(fs::exists(file("to.h5.lock"))) << name;
  }
  EXPECT_THAT(message_of([&] { merge({"a.h5"}, "mine.h5"); }), HasSubstr("already exists"));
  EXPECT_THAT(message_of([&] { merge({"a.h5"}, "no/such/folder.h5"); }), HasSubstr("folder"));
  EXPECT_THAT(message_of([&] { merge({}); }), HasSubstr("nothing to merge"));
  // A failure leaves what was to be overwritten as it was.
  EXPECT_THAT(message_of([&] { merge({"a.h5", "cut.h5"}, "mine.h5", true); }), HasSubstr("cut.h5"));
  EXPECT_EQ(read_file(scratch_ / "mine.h5"), "mine");
  EXPECT_EQ(merge({"a.h5"}, "mine.h5", true).cases, 2);
  EXPECT_EQ(load(file("mine.h5")).ep.size(), 2u);
}

TEST_F(MergeTest, AFileThatARunWritesToIsNotReplaced) {
  write_ep("a.h5", 0, 1);
  const Store running = create("b.h5");
  EXPECT_THAT(message_of([&] { merge({"a.h5"}, "b.h5", true); }), HasSubstr("is in use"));
}

TEST_F(MergeTest, RowsBeyondOneAppendAreAllThere) {
  // More repeats than are gathered before they are appended.
  for (int number = 0; number < 3; ++number) {
    Store store = create(std::to_string(number));
    EpRow row = in_environment(ep_example(number), kAbsent);
    row.repeats.clear();
    for (int repeat = 0; repeat < 5000; ++repeat)
      row.repeats.push_back({row.record.case_id, repeat, repeat / 8.0});
    store.append(row);
  }
  merge({"0", "1", "2"});
  const RunData data = load(file("to.h5"));
  ASSERT_EQ(data.ep_repeats.size(), 15000u);
  for (std::size_t i = 0; i < data.ep_repeats.size(); ++i) {
    const std::int64_t number = static_cast<std::int64_t>(i) / 5000;
    ASSERT_EQ(data.ep_repeats[i].repeat, static_cast<std::int64_t>(i) % 5000);
    ASSERT_EQ(data.ep_repeats[i].source, number);
    ASSERT_EQ(data.ep_repeats[i].case_id, "ep" + std::to_string(number));
  }
}

} // namespace
} // namespace peakbench::results
