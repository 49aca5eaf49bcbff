// peakbench-aggregate as a user runs it.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "report/gnuplot_here.h"
#include "report/traces.h"
#include "results/examples.h"
#include "results/in_memory.h"
#include "results/python.h"
#include "results/store.h"
#include "support/support.h"

namespace peakbench {
namespace {

using peakbench::testing::read_file;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using report::testing::eab_cases;
using report::testing::ep_cases;
using results::testing::example_info;
using results::testing::Output;
using results::testing::quoted;
using results::testing::run_program;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class AggregateTest : public ::testing::Test {
protected:
  AggregateTest() : path_(write("run.h5")) {}

  std::string write(const std::string& name) {
    const std::string path = scratch_ / name;
    results::Store store = results::Store::create(path, example_info());
    for (const auto& row : eab_cases())
      store.append(results::EabRow{row, {}, {}});
    for (const auto& row : ep_cases())
      store.append(results::EpRow{row, {}, {}, {}, {}, {}});
    return path;
  }
  Output run(const std::string& arguments) const {
    return run_program("cd " + quoted(scratch_.path()) + " && " + quoted(PEAKBENCH_AGGREGATE) +
                       " " + arguments);
  }

  const results::testing::InMemory memory_;
  const ScratchFolder& scratch_ = *memory_;
  std::string path_;
};

TEST_F(AggregateTest, PrintsTheTablesOfTheFile) {
  const Output output = run("run.h5");
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.text, render(report::tables_of(results::load(path_)), report::Format::text));
  EXPECT_THAT(output.text, HasSubstr("EAB: naive, original and copy-on-write"));
  EXPECT_THAT(output.text, HasSubstr("EP: peak memory beyond the weights versus depth"));
  EXPECT_THAT(run("run.h5 --detail").text, HasSubstr("EP: every case"));
}

TEST_F(AggregateTest, WritesEveryFormatWithTheSameNumbers) {
  const Output output = run("run.h5 --csv t.csv --json t.json --markdown t.md");
  EXPECT_EQ(output.status, 0) << output.text;
  const auto tables = report::tables_of(results::load(path_));
  EXPECT_EQ(read_file(scratch_ / "t.csv"), render(tables, report::Format::csv));
  EXPECT_EQ(read_file(scratch_ / "t.md"), render(tables, report::Format::markdown));
  const auto json = nlohmann::json::parse(read_file(scratch_ / "t.json"));
  EXPECT_EQ(json.at("tables").size(), tables.size());
  EXPECT_EQ(run("run.h5 --json -").text, read_file(scratch_ / "t.json"));
}

TEST_F(AggregateTest, WritesRowsInFullPrecision) {
  EXPECT_EQ(run("run.h5 --rows ep --csv -").text, report::rows_csv(results::load(path_), "ep"));
  const auto json = nlohmann::json::parse(run("run.h5 --rows all --json -").text);
  EXPECT_EQ(json.at("eab").size(), eab_cases().size());
}

TEST_F(AggregateTest, MergesFilesAndReportsDuplicates) {
  write("second.h5");
  const Output same = run("run.h5 second.h5");
  EXPECT_EQ(same.status, 0);
  EXPECT_EQ(same.text, run("run.h5").text + std::to_string(eab_cases().size() + ep_cases().size()) +
                           " rows are equal in everything to others and count once\n");
  results::EpCase other = ep_cases().front();
  other.step_seconds = 99;
  results::Store::create(scratch_ / "other.h5", example_info())
      .append(results::EpRow{other, {}, {}, {}, {}, {}});
  const Output output = run("run.h5 other.h5");
  EXPECT_EQ(output.status, 0);
  EXPECT_THAT(output.text, HasSubstr("Cases in several files"));
  EXPECT_THAT(output.text, HasSubstr("run.h5, other.h5"));
}

TEST_F(AggregateTest, MergesIntoOneFile) {
  write("second.h5");
  const std::size_t cases = eab_cases().size() + ep_cases().size();
  const Output output = run("run.h5 second.h5 --to merged.h5");
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_EQ(output.text, "merged 2 files into merged.h5: " + std::to_string(cases) + " cases, " +
                             std::to_string(cases) + " named twice and kept once\n");
  const results::RunData merged = results::load(scratch_ / "merged.h5");
  EXPECT_EQ(merged.ep.size(), ep_cases().size());
  EXPECT_EQ(merged.sources.size(), 2u);
  EXPECT_EQ(merged.info.command_line, "peakbench-aggregate run.h5 second.h5 --to merged.h5");
  EXPECT_EQ(run("run.h5 --to merged.h5").status, 2);
  EXPECT_THAT(run("run.h5 --to merged.h5").text, HasSubstr("already exists"));
  // Tables of the merged file, if asked for.
  EXPECT_EQ(run("run.h5 second.h5 --to merged.h5 --force --csv merged.csv").status, 0);
  EXPECT_EQ(read_file(scratch_ / "merged.csv"),
            render(report::tables_of(results::load(path_)), report::Format::csv));
  // Another row of one of the cases.
  results::EpCase other = ep_cases().front();
  other.step_seconds = 99;
  results::Store::create(scratch_ / "other.h5", example_info())
      .append(results::EpRow{other, {}, {}, {}, {}, {}});
  const Output warned = run("run.h5 other.h5 --to two.h5");
  EXPECT_EQ(warned.status, 0);
  EXPECT_THAT(warned.text, HasSubstr("warning: ep case " + other.case_id +
                                     " has different rows in several files, and all are kept: "
                                     "run.h5, other.h5"));
  EXPECT_EQ(results::load(scratch_ / "two.h5").ep.size(), ep_cases().size() + 1);
}

TEST_F(AggregateTest, NeverOverwritesSilently) {
  write_file(scratch_ / "t.csv", "mine");
  const Output refused = run("run.h5 --csv t.csv");
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.text, HasSubstr("already exists"));
  EXPECT_EQ(read_file(scratch_ / "t.csv"), "mine");
  EXPECT_EQ(run("run.h5 --csv t.csv --force").status, 0);
  EXPECT_THAT(read_file(scratch_ / "t.csv"), StartsWith("\"EAB"));
}

TEST_F(AggregateTest, BadInputIsOneMessageAndStatus2) {
  write_file(scratch_ / "empty.h5", "");
  write_file(scratch_ / "text.h5", "name: quick, which is no HDF5 file\n");
  write_file(scratch_ / "cut.h5", read_file(path_).substr(0, 5000));
  for (const auto& [arguments, message] : std::vector<std::pair<std::string, std::string>>{
           {"none.h5", "No such file"},
           {"empty.h5", "it is empty"},
           {"text.h5", "not an HDF5 file"},
           {"run.h5 cut.h5", "cut.h5"},
           {"/dev/null", "not a regular file"},
           {"run.h5 --csv no/such/folder.csv", "No such file"},
           {"run.h5 --csv - --json -", "standard output"},
           {"run.h5 --rows ep", "changes nothing"},
           {"run.h5 --rows all --csv -", "different columns"}}) {
    const Output output = run(arguments);
    EXPECT_EQ(output.status, 2) << arguments;
    EXPECT_THAT(output.text, StartsWith("peakbench-aggregate: ")) << arguments;
    EXPECT_THAT(output.text, HasSubstr(message)) << arguments;
    EXPECT_EQ(std::ranges::count(output.text, '\n'), 1) << output.text;
  }
  EXPECT_EQ(run("").status, 2);
  EXPECT_EQ(run("run.h5 --rows nonsense").status, 2);
  EXPECT_EQ(run("run.h5 --no-such-option").status, 2);
}

TEST_F(AggregateTest, DrawsPicturesOfWhatTheFileHolds) {
  PEAKBENCH_NEEDS_GNUPLOT();
  results::EabRow row{report::testing::traced_case(), {}, report::testing::example_trace()};
  row.record.seed = 7;
  row.record.case_id = results::case_id_of(row.record);
  {
    results::Store store = results::Store::resume(path_, example_info());
    store.append(row);
  }
  const Output output = run("run.h5 --plots pictures --plot-case " + row.record.case_id);
  EXPECT_EQ(output.status, 0) << output.text;
  for (const char* file : {"eab-entropy.svg", "eab-tree.png", "eab-resources.svg"}) {
    EXPECT_THAT(output.text, HasSubstr(std::string("plot: pictures/") + file));
    EXPECT_TRUE(std::filesystem::exists(scratch_ / "pictures" / file)) << file;
  }
  EXPECT_THAT(read_file(scratch_ / "pictures/eab-tree.svg"), HasSubstr("cat sat"));
  const Output refused = run("run.h5 --plots pictures");
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.text, HasSubstr("already exists"));
  EXPECT_EQ(run("run.h5 --plots pictures --force").status, 0);
  EXPECT_EQ(run("run.h5 --plots other --plot-case none").status, 2);
  EXPECT_EQ(run("run.h5 --plot-case " + row.record.case_id).status, 2);
}

TEST_F(AggregateTest, HelpShowsExamples) {
  const Output output = run("--help");
  EXPECT_EQ(output.status, 0);
  EXPECT_THAT(output.text, HasSubstr("Examples:"));
}

TEST_F(AggregateTest, AFileWithoutCasesSaysSo) {
  results::Store::create(scratch_ / "new.h5", example_info());
  EXPECT_EQ(run("new.h5").text, "No cases in new.h5 yet.\n");
}

// The recipes of tools/README.md, as they stand there.
std::string recipe(const std::string& marker) {
  const std::string guide = read_file(peakbench::testing::source_folder() / "tools" / "README.md");
  const std::size_t start = guide.find("```python\n" + marker);
  if (start == guide.npos)
    return "raise SystemExit('no such recipe')";
  const std::size_t code = guide.find('\n', start) + 1;
  return guide.substr(code, guide.find("```", code) - code);
}

TEST_F(AggregateTest, TheH5pyRecipeWorks) {
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  std::filesystem::create_directory(scratch_ / "results");
  std::filesystem::copy_file(path_, scratch_ / "results/quick.h5");
  write_file(scratch_ / "recipe.py", recipe("import h5py\n"));
  const Output output =
      run_program("cd " + quoted(scratch_.path()) + " && " + python + " recipe.py");
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_THAT(output.text, HasSubstr("ep_fused 500 5.0"));
}

TEST_F(AggregateTest, ThePandasRecipeWorks) {
  PEAKBENCH_NEEDS_PYTHON(python, "h5py, pandas");
  std::filesystem::create_directory(scratch_ / "results");
  std::filesystem::copy_file(path_, scratch_ / "results/quick.h5");
  write_file(scratch_ / "recipe.py", recipe("import h5py, pandas\n"));
  const Output output =
      run_program("cd " + quoted(scratch_.path()) + " && " + python + " recipe.py");
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_THAT(output.text, HasSubstr("ep_fused"));
}

} // namespace
} // namespace peakbench
