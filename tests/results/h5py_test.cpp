// The file as programs without our code see it.
#include <gmock/gmock.h>

#include "results/examples.h"
#include "results/python.h"
#include "support/support.h"

namespace peakbench::results {
namespace {

using peakbench::testing::ScratchFolder;
using testing::eab_example;
using testing::ep_example;
using testing::example_info;
using testing::filled;

std::string run_python(const std::string& python, const ScratchFolder& scratch,
                       const std::string& script) {
  peakbench::testing::write_file(scratch / "script.py", script);
  const auto output = testing::run_program("cd " + testing::quoted(scratch.path()) + " && " +
                                           python + " script.py");
  return output.status == 0 ? output.text
                            : "status " + std::to_string(output.status) + ": " + output.text;
}

TEST(H5pyTest, ReadsNamesUnitsAndValues) {
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  const ScratchFolder scratch;
  const EabRow eab = eab_example(3, "ok", 2000);
  const EpRow ep = ep_example(4);
  {
    Store store = Store::create(scratch / "run.h5", example_info());
    store.write_environment({filled<EnvironmentRow>(0)});
    store.append(eab);
    store.append(ep);
  }
  // Every column of every table, against the records: name, unit, description, value.
  std::string expected = "expected = {\n";
  const auto expect = [&](const char* table, const auto& record) {
    using Record = std::decay_t<decltype(record)>;
    expected += std::string("'") + table + "': [";
    for (const auto& field : fields<Record>()) {
      const Value value = value_of(field, record);
      std::string literal = text_of(value);
      if (std::holds_alternative<std::string>(value))
        literal = "'" + literal + "'";
      else if (std::holds_alternative<double>(value))
        literal = "float(" + (literal.empty() ? "nan" : literal) + ")";
      else if (literal.empty())
        literal = "-1";
      expected += "('" + std::string(field.name) + "', '" + std::string(field.unit) + "', \"" +
                  description_of(field) + "\", " + literal + "),\n";
    }
    expected += "],\n";
  };
  expect("/eab/cases", eab.record);
  expect("/ep/cases", ep.record);
  expect("/eab/samples", eab.repeats[0]);
  expect("/environment", filled<EnvironmentRow>(0));
  const std::string output = run_python(python, scratch, "nan = float('nan')\n" + expected + R"(}
import h5py, numpy
file = h5py.File('run.h5', 'r')
assert file.attrs['schema_version'] == 1
assert file.attrs['name'] == 'example' and file.attrs['plan_hash'] == '0123456789abcdef'
assert file.attrs['command_line'] == 'peakbench run "a b"'
assert file.attrs['git_revision'] == 'abc123' and file.attrs['git_dirty'] == 1
assert file['/config/yaml'].asstr()[()] == 'name: example\n'
assert file['/config/plan'].asstr()[()] == '{"cases": []}'
for name, columns in expected.items():
    table = file[name]
    assert table.dtype.names == tuple(column[0] for column in columns), name
    for column, unit, description, value in columns:
        assert table.attrs[column + '.unit'] == unit, column
        assert table.attrs[column + '.description'] == description, column
        found = table[0][column]
        if isinstance(value, str):
            assert found.decode() == value, (column, found)
        else:
            assert found == value or (found != found and value != value), (column, found, value)
            assert found.dtype == ('<f8' if isinstance(value, float) else '<i8'), column
traces = file['/eab/traces']
trace = traces['eab3']
assert trace['prompt_tokens'].dtype == '<i4' and list(trace['prompt_tokens']) == [1, 2, 3]
nodes = trace['nodes'][:]
assert nodes.dtype.names == ('node', 'parent', 'token', 'position', 'log_prob', 'entropy', 'branched', 'prompt')
assert len(nodes) == 2000 and nodes['parent'][0] == -1 and nodes['token'][7] == 107
assert nodes['log_prob'][8] == -4.0 and nodes['entropy'][9] == 0.03
assert nodes['branched'].dtype == bool and nodes['branched'][2] and not nodes['branched'][3]
assert trace['nodes'].compression == 'gzip' and trace['nodes'].shuffle
samples = trace['samples'][:]
assert samples.dtype.names == ('leaf', 'log_prob', 'text')
assert samples['text'][0].decode() == 'Grüße 3' and samples['text'][1] == b''
tokens = trace['tokens'][:]
assert tokens['token'][0] == 100 and tokens['text'][0].decode() == ' Grüße'
assert traces.attrs['nodes.log_prob.unit'] == 'nats'
for dataset in ('nodes', 'samples', 'tokens'):
    for column in trace[dataset].dtype.names:
        assert traces.attrs[dataset + '.' + column + '.description']
ep = file['/ep/traces/ep4']
assert list(ep['energy']) == [1.5, 0.5, 0.25] and len(ep['gradient_norm']) == 8
print('all read')
)");
  EXPECT_EQ(output, "all read\n");
}

TEST(H5pyTest, ReadsWhileARunWrites) {
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  const ScratchFolder scratch;
  Store store = Store::create(scratch / "run.h5", example_info());
  for (int number = 0; number < 3; ++number) {
    store.append(eab_example(number));
    EXPECT_EQ(run_python(python, scratch,
                         "import h5py\nprint(len(h5py.File('run.h5', 'r')['/eab/cases']))\n"),
              std::to_string(number + 1) + "\n");
  }
}

TEST(H5pyTest, TheFileIsInTheDefaultFormat) {
  // Version 0 of the superblock: no flags that a killed writer would leave set.
  const ScratchFolder scratch;
  Store::create(scratch / "run.h5", example_info());
  EXPECT_EQ(peakbench::testing::read_file(scratch / "run.h5").at(8), 0);
}

} // namespace
} // namespace peakbench::results
