// The merge of files in blocks against a simple one: all rows of all files in memory, compared one
// by one by the texts of their values.
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "results/examples.h"
#include "results/in_memory.h"
#include "results/merge.h"
#include "results/merge_runs.h"
#include "results/tables.h"

namespace peakbench::results {
namespace {

using testing::eab_example;
using testing::ep_example;
using testing::example_info;
using testing::filled;

template <class Record>
std::string text_of_row(const Record& record) {
  std::string text;
  for (const auto& field : fields<Record>())
    if (field.name != "source" && field.name != "environment" && field.name != "launch")
      text += text_of(value_of(field, record)) + '|';
  return text;
}

// A case with all that belongs to it, as one text.
struct WholeCase {
  std::string kind, id, text, file;
};

template <class Record>
std::string machine_of(const RunData& run, const Record& record) {
  const auto number = static_cast<std::size_t>(record.environment);
  return record.environment >= 0 ? text_of_row(run.environment.at(number)) : "";
}

template <class Record>
std::string file_of(const RunData& run, const Record& record) {
  return record.source >= 0 ? run.sources.at(static_cast<std::size_t>(record.source)).path
                            : run.path;
}

// `number`: which of the rows of its id in the file.
template <class Record>
std::string trace_of(const RunData& run, const Record& record, int number) {
  const std::string id =
      number == 0 ? record.case_id : record.case_id + "." + std::to_string(record.source);
  try {
    if constexpr (std::is_same_v<Record, EabCase>)
      return to_message(EabRow{{}, {}, load_eab_trace(run.path, id)});
    if constexpr (std::is_same_v<Record, EpCase>)
      return to_message(EpRow{{}, {}, load_ep_trace(run.path, id), {}, {}, {}});
  } catch (const UserError&) {
  }
  return "";
}

template <class Record, class... Part>
void add_cases(const char* kind, const RunData& run, const std::string& traces_of,
               const std::vector<Record>& records, std::vector<WholeCase>& all,
               const std::vector<Part>&... parts) {
  std::map<std::string, int> seen;
  for (const Record& record : records) {
    std::string text = text_of_row(record) + machine_of(run, record);
    const auto add = [&](const auto& rows) {
      text += "\n";
      for (const auto& row : rows)
        if (row.case_id == record.case_id && row.source == record.source)
          text += text_of_row(row);
    };
    (add(parts), ...);
    RunData from = run;
    from.path = traces_of;
    text += trace_of(from, record, seen[record.case_id]++);
    all.push_back({kind, record.case_id, text, file_of(run, record)});
  }
}

std::vector<WholeCase> cases_of(const RunData& run, const std::string& traces_of) {
  std::vector<WholeCase> all;
  add_cases("eab", run, traces_of, run.eab, all, run.eab_repeats);
  add_cases("ep", run, traces_of, run.ep, all, run.ep_repeats, run.ep_components, run.ep_operations,
            run.ep_training);
  add_cases("comm", run, traces_of, run.comm, all, run.comm_repeats);
  add_cases("scaling", run, traces_of, run.scaling, all, run.scaling_repeats);
  return all;
}

// The rows that a merge must have: kind by kind in the order of the files, equal ones once.
std::vector<WholeCase> simply_merged(const std::vector<std::string>& paths) {
  std::vector<WholeCase> merged;
  for (const std::string kind : {"eab", "ep", "comm", "scaling"})
    for (const std::string& path : paths)
      for (const WholeCase& one : cases_of(load(path), path))
        if (one.kind == kind && std::ranges::none_of(merged, [&](const WholeCase& known) {
              return known.kind == kind && known.id == one.id && known.text == one.text;
            }))
          merged.push_back(one);
  return merged;
}

void expect_same(const std::vector<WholeCase>& got, const std::vector<WholeCase>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t index = 0; index < got.size(); ++index) {
    EXPECT_EQ(got[index].kind, wanted[index].kind) << index;
    EXPECT_EQ(got[index].id, wanted[index].id) << index;
    EXPECT_EQ(got[index].text, wanted[index].text) << index;
    EXPECT_EQ(got[index].file, wanted[index].file) << index;
  }
}

class MergeSameTest : public ::testing::Test {
protected:
  // Files of cases drawn from a few, with a few different measurements: many are in several files,
  // some of these equal in everything.
  std::vector<std::string> write_files(int count) {
    std::vector<std::string> paths;
    for (int file = 0; file < count; ++file) {
      const std::string path = scratch_ / ("f" + std::to_string(file) + ".h5");
      RunInfo info = example_info();
      info.plan_hash = file % 2 == 0 ? "one" : "two";
      Store store = Store::create(path, info);
      store.write_environment({filled<EnvironmentRow>(0), filled<EnvironmentRow>(1)});
      std::map<int, bool> eab, ep;
      for (int turn = 0; turn < 6; ++turn) {
        if (const int id = draw(5); !std::exchange(eab[id], true))
          store.append(varied(eab_example(id)));
        if (const int id = draw(5); !std::exchange(ep[id], true))
          store.append(varied(ep_example(id)));
      }
      store.append(varied(CommRow{filled<CommCase>(draw(2)), {{"c", 0, 0.5}}}));
      store.append(varied(ScalingRow{filled<ScalingCase>(draw(2)), {}}));
      paths.push_back(path);
    }
    return paths;
  }
  template <class Row>
  Row varied(Row row) {
    row.record.environment = draw(2);
    row.record.source = kAbsent;
    for (RepeatRow& repeat : row.repeats) {
      repeat.case_id = row.record.case_id;
      repeat.source = kAbsent;
    }
    if (!row.repeats.empty())
      row.repeats[0].seconds = draw(2);
    if constexpr (requires { row.trace.energy; })
      row.trace.energy[0] = draw(2);
    if constexpr (requires { row.trace.nodes; })
      if (draw(2) == 0)
        row.trace = {};
    return row;
  }
  int draw(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  const testing::InMemory memory_;
  const peakbench::testing::ScratchFolder& scratch_ = *memory_;
  std::mt19937_64 random_{7};
};

TEST_F(MergeSameTest, BlocksGiveWhatAllRowsAtOnceGive) {
  std::vector<std::string> paths = write_files(6);
  const std::string some = scratch_ / "some.h5", all = scratch_ / "all.h5";
  GuardLimits in_blocks;
  in_blocks.whole_bytes = 0; // as files that are too large for the memory
  for (const GuardLimits& limits : {GuardLimits{}, in_blocks}) {
    // A merged file is an input too, and holds cases several times.
    merge_files({paths[0], paths[1], paths[2]}, some, {"", ""}, true, {{}, {}, limits});
    const std::vector<std::string> inputs{some, paths[3], paths[1], paths[4], paths[5], some};
    const MergeSummary summary = merge_files(inputs, all, {"", ""}, true, {{}, {}, limits});
    const std::vector<WholeCase> wanted = simply_merged(inputs);
    EXPECT_GT(summary.repeated, 0);
    EXPECT_GT(summary.duplicates.size(), 0u);
    expect_same(cases_of(load(all), all), wanted);
    EXPECT_EQ(summary.cases, static_cast<std::int64_t>(wanted.size()));
  }
}

TEST_F(MergeSameTest, FilesShownTogetherHaveTheRowsOfAMergedFile) {
  std::vector<std::string> paths = write_files(5);
  const std::string some = scratch_ / "some.h5", all = scratch_ / "all.h5";
  merge_files({paths[0], paths[1]}, some, {"", ""}, true);
  for (const std::vector<std::string>& inputs :
       {paths, {paths[4], paths[4], paths[0]}, {some, paths[2], paths[0]}}) {
    const MergeSummary summary = merge_files(inputs, all, {"", ""}, true);
    std::vector<RunData> runs;
    for (const std::string& path : inputs)
      runs.push_back(load(path));
    const MergedRuns shown = merge_runs(std::move(runs));
    const RunData written = load(all);
    for_each_table_member([&](const char* table, auto member) {
      ASSERT_EQ((shown.run.*member).size(), (written.*member).size()) << table;
      for (std::size_t row = 0; row < (written.*member).size(); ++row)
        EXPECT_TRUE(testing::equal((shown.run.*member)[row], (written.*member)[row])) << table;
    });
    ASSERT_EQ(shown.run.sources.size(), written.sources.size());
    for (std::size_t row = 0; row < written.sources.size(); ++row)
      EXPECT_TRUE(testing::equal(shown.run.sources[row], written.sources[row]));
    ASSERT_EQ(shown.run.environment.size(), written.environment.size());
    EXPECT_EQ(shown.summary.cases, summary.cases);
    EXPECT_EQ(shown.summary.repeated, summary.repeated);
    ASSERT_EQ(shown.summary.duplicates.size(), summary.duplicates.size());
    for (std::size_t index = 0; index < summary.duplicates.size(); ++index)
      EXPECT_EQ(shown.summary.duplicates[index].files, summary.duplicates[index].files);
  }
}

// Whatever the order of the inputs, the rows are the same ones.
TEST_F(MergeSameTest, TheOrderOfInputsChangesTheOrderAlone) {
  const std::vector<std::string> paths = write_files(4);
  const std::vector<std::string> turned(paths.rbegin(), paths.rend());
  const auto texts_of = [&](const std::vector<std::string>& inputs) {
    const std::string all = scratch_ / "all.h5";
    merge_files(inputs, all, {"", ""}, true);
    std::vector<std::string> texts;
    for (const WholeCase& one : cases_of(load(all), all))
      texts.push_back(one.kind + one.id + one.text);
    std::ranges::sort(texts);
    return texts;
  };
  EXPECT_EQ(texts_of(paths), texts_of(turned));
  EXPECT_NE(texts_of(paths), texts_of({paths[0], paths[1]})) << "the control";
}

TEST_F(MergeSameTest, AMergedFileMergedIntoItselfIsTheSame) {
  const std::vector<std::string> paths = write_files(4);
  const std::string all = scratch_ / "all.h5";
  merge_files(paths, all, {"", ""}, false);
  const std::vector<WholeCase> before = cases_of(load(all), all);
  const MergeSummary again = merge_files({all, paths[2]}, all, {"", ""}, true);
  EXPECT_GT(again.repeated, 0);
  expect_same(cases_of(load(all), all), before);
  EXPECT_EQ(load(all).sources.size(), paths.size());
}

} // namespace
} // namespace peakbench::results
