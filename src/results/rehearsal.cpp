#include "results/rehearsal.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "results/case_writing.h"
#include "results/fields.h"
#include "results/layout.h"
#include "results/table.h"
#include "results/traces.h"

namespace peakbench::results {

namespace {

constexpr const char* kId = "rehearsal";
using Alive = std::function<void()>;

// A row of any table, as a run writes it: with something in every text.
template <class Record>
Record written() {
  Record record;
  for (const auto& field : fields<Record>())
    if (const auto* text = std::get_if<typename Field<Record>::Text>(&field.get))
      (*text)(record) = std::string(40, 'x');
  return record;
}

// Something of all that a case can bring with it.
void fill(CommRow&) {}
void fill(ScalingRow&) {}
void fill(EabRow& row) {
  row.trace.prompt_tokens = {1};
  row.trace.samples = {{0, 0, kId}};
  row.trace.tokens = {{1, kId}};
}
void fill(EpRow& row) {
  row.components.resize(1);
  row.operations.resize(1);
  row.training.resize(1);
  row.components[0].case_id = row.operations[0].case_id = row.training[0].case_id = kId;
  row.trace.energy = {1};
}

void drop_trace(hid_t file, const std::string& id, const EabCase&) {
  write_trace(file, id, EabTrace{});
}
void drop_trace(hid_t file, const std::string& id, const EpCase&) {
  write_trace(file, id, EpTrace{});
}
void drop_trace(hid_t, const std::string&, const CommCase&) {}
void drop_trace(hid_t, const std::string&, const ScalingCase&) {}

// Rows that another try of their case may replace.
template <class Record>
using Replaceable = std::vector<std::pair<std::size_t, Record>>;

template <class Record>
Replaceable<Record> replaceable_rows(hid_t file, const char* table, const Alive& alive) {
  Replaceable<Record> found;
  std::size_t count = 0;
  read_blocks<Record>(file, table, [&](std::vector<Record> rows) {
    alive();
    for (Record& row : rows) {
      if (row.status != "ok")
        found.emplace_back(count, std::move(row));
      ++count;
    }
  });
  for (const auto& [number, record] : found)
    if (record.case_id.empty() || record.case_id.find_first_of("./") != std::string::npos)
      throw Hdf5Error("a case id is none");
  return found;
}

template <class Row>
Row new_row() {
  Row row;
  row.record = written<decltype(row.record)>();
  row.record.case_id = kId;
  row.repeats.resize(1);
  row.repeats[0].case_id = kId;
  fill(row);
  return row;
}

// The library puts new texts into the up to 16 heaps of up to 64 KiB that it has read last, if they
// say that they have room. More texts than that fill them to their ends, whatever they say.
void fill_read_heaps(hid_t file) {
  append_rows<EnvironmentRow>(file, kEnvironment,
                              std::vector<EnvironmentRow>(2000, written<EnvironmentRow>()));
}

template <class Row>
void replace_rows(const std::string& copy, const char* table, const Alive& alive) {
  using Record = decltype(Row::record);
  const auto rows = replaceable_rows<Record>(open_file(copy, false), table, alive);
  if (rows.size() < 2) // none but the new one
    return;
  const Handle file = open_file(copy, true);
  for (const auto& [number, record] : rows) {
    alive();
    write_row(file, table, number, record);
    drop_trace(file, record.case_id, record);
  }
  // The new row, once more: writes all rows of the tables of its parts again.
  alive();
  write_case(file, new_row<Row>(), rows.back().first);
  fill_read_heaps(file);
}

template <class Row>
void append_row(hid_t file, const char* table) {
  append_rows<Row>(file, table, std::vector<Row>(1, written<Row>()));
}

} // namespace

void rehearse(const std::string& copy, const Alive& alive) {
  {
    // As Store does: the library puts new texts where it has read some, so nothing is read here.
    const Handle file = open_file(copy, true);
    append_row<EnvironmentRow>(file, kEnvironment);
    write_case(file, new_row<EabRow>(), std::nullopt);
    write_case(file, new_row<EpRow>(), std::nullopt);
    write_case(file, new_row<CommRow>(), std::nullopt);
    write_case(file, new_row<ScalingRow>(), std::nullopt);
    append_row<RankRow>(file, kRanks);
    check(H5Fflush(file, H5F_SCOPE_LOCAL), "H5Fflush");
  }
  alive();
  replace_rows<EabRow>(copy, kEabCases, alive);
  replace_rows<EpRow>(copy, kEpCases, alive);
  replace_rows<CommRow>(copy, kCommCases, alive);
  replace_rows<ScalingRow>(copy, kScalingCases, alive);
  alive();
}

} // namespace peakbench::results
