// Every output format from one file: the numbers in all of them agree (formats.py reads them with
// Python's own csv, json and html readers; text and Markdown line by line).
#include <gmock/gmock.h>

#include "report/examples.h"
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
using results::testing::Output;
using results::testing::quoted;
using results::testing::run_program;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// What formats trip over: separators, quotes, line breaks, markup.
constexpr const char* kHardText = "a|b, \"c\" <script>alert(1)</script> & d\\e\nnext; 1e3";

class AggregateFormats : public ::testing::Test {
protected:
  void SetUp() override {
    results::Store store =
        results::Store::create(scratch_ / "run.h5", results::testing::example_info());
    for (auto row : report::testing::eab_cases()) {
      if (row.prompt_id == "a") {
        row.domain = kHardText;
        row.case_id = results::case_id_of(row);
      }
      store.append(results::EabRow{row, {}, {}});
    }
    for (auto row : report::testing::ep_cases()) {
      if (row.depth == 500 && row.arm == "ep_autograd") {
        row.status = "failed";
        row.reason = kHardText;
      }
      store.append(results::EpRow{row, {}, {}, {}, {}, {}});
    }
  }
  Output run(const std::string& command) const {
    return run_program("cd " + quoted(scratch_.path()) + " && " + command);
  }
  Output aggregate(const std::string& arguments) const {
    return run(quoted(PEAKBENCH_AGGREGATE) + " " + arguments);
  }
  Output compare(const std::string& python) const {
    return run(python + " " +
               quoted((peakbench::testing::source_folder() / "tests/tools/formats.py").string()) +
               " .");
  }

  const results::testing::InMemory memory_;
  const ScratchFolder& scratch_ = *memory_;
};

TEST_F(AggregateFormats, SayTheSame) {
  PEAKBENCH_NEEDS_PYTHON(python, "json");
  const Output made = aggregate("run.h5 --detail --csv out.csv --json out.json --markdown out.md "
                                "--html out.html > out.txt");
  ASSERT_EQ(made.status, 0) << made.text;
  const Output same = compare(python);
  EXPECT_EQ(same.status, 0) << same.text;
  EXPECT_THAT(same.text, StartsWith("the same in "));
  // The control: one digit in one format.
  for (const char* name : {"out.csv", "out.md", "out.txt", "out.html"}) {
    const std::string text = read_file(scratch_ / name);
    const std::size_t table = text.rfind("EAB: naive, original and copy-on-write");
    const std::size_t at = text.find("40.00", table); // cow's memory overhead
    ASSERT_NE(at, text.npos) << name;
    std::string other = text;
    other[at + 4] = '1';
    write_file(scratch_ / name, other);
    const Output differs = compare(python);
    EXPECT_EQ(differs.status, 1) << name;
    EXPECT_THAT(differs.text, HasSubstr("40")) << name;
    write_file(scratch_ / name, text);
  }
}

// CSV and JSON rows against what h5py reads from the file, bit by bit.
TEST_F(AggregateFormats, RowsAreTheFilesToTheLastBit) {
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  ASSERT_EQ(aggregate("run.h5 --rows ep --csv ep.csv").status, 0);
  ASSERT_EQ(aggregate("run.h5 --rows all --json all.json").status, 0);
  write_file(scratch_ / "rows.py", R"(
import csv, h5py, json, math
cases = h5py.File("run.h5")["/ep/cases"][:]
table = list(csv.DictReader(open("ep.csv", newline="")))
objects = json.load(open("all.json"))["ep"]
assert len(cases) == len(table) == len(objects) > 0
compared = 0
for case, row, one in zip(cases, table, objects):
    assert list(row) == list(one) == list(cases.dtype.names)
    for name in cases.dtype.names:
        value = case[name]
        if isinstance(value, bytes):
            assert value.decode() == row[name] == one[name], name
        elif math.isnan(value) or value == -1:
            assert row[name] == "" and one[name] is None, name
        else:
            assert value == float(row[name]) == one[name], name
        compared += 1
print(compared, "values")
)");
  const Output output = run(python + " rows.py");
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_THAT(output.text, HasSubstr(" values"));
}

} // namespace
} // namespace peakbench
