#include "results/rehearsal.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "results/case_writing.h"
#include "results/layout.h"
#include "results/table.h"
#include "results/traces.h"

namespace peakbench::results {

namespace {

constexpr const char* kId = "rehearsal";

// Something of all that a row can bring with it.
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

template <class Row>
void rehearse_kind(hid_t file, const char* table, const std::function<void()>& alive) {
  using Record = decltype(Row::record);
  std::size_t count = 0;
  std::vector<std::pair<std::size_t, Record>> replaceable;
  read_blocks<Record>(file, table, [&](std::vector<Record> rows) {
    alive();
    for (Record& row : rows) {
      if (row.status != "ok")
        replaceable.emplace_back(count, std::move(row));
      ++count;
    }
  });
  for (const auto& [number, record] : replaceable) {
    if (record.case_id.empty() || record.case_id.find_first_of("./") != std::string::npos)
      throw Hdf5Error("a case id is none");
    alive();
    write_row(file, table, number, record);
    drop_trace(file, record.case_id, record);
  }
  Row row;
  row.record.case_id = kId;
  row.repeats.resize(1);
  row.repeats[0].case_id = kId;
  fill(row);
  alive();
  write_case(file, row, std::nullopt);
  alive();
  if (!replaceable.empty()) // writes all rows of its tables anew, as another one's retry would
    write_case(file, row, count);
}

template <class Row>
void rehearse_row(hid_t file, const char* table) {
  append_rows<Row>(file, table, std::vector<Row>(1));
}

} // namespace

void rehearse(hid_t file, const std::function<void()>& alive) {
  rehearse_row<EnvironmentRow>(file, kEnvironment);
  rehearse_kind<EabRow>(file, kEabCases, alive);
  rehearse_kind<EpRow>(file, kEpCases, alive);
  rehearse_kind<CommRow>(file, kCommCases, alive);
  rehearse_kind<ScalingRow>(file, kScalingCases, alive);
  rehearse_row<RankRow>(file, kRanks);
}

} // namespace peakbench::results
