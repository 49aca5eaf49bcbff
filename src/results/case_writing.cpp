#include "results/case_writing.h"

#include <span>
#include <string>
#include <vector>

#include "results/layout.h"
#include "results/table.h"
#include "results/traces.h"

namespace peakbench::results {

namespace {

struct Tables {
  const char *cases, *samples;
};
constexpr Tables tables_of(const EabCase&) { return {kEabCases, kEabSamples}; }
constexpr Tables tables_of(const EpCase&) { return {kEpCases, kEpSamples}; }
constexpr Tables tables_of(const CommCase&) { return {kCommCases, kCommSamples}; }
constexpr Tables tables_of(const ScalingCase&) { return {kScalingCases, kScalingSamples}; }

// Forgets the rows of an earlier try, then adds these.
template <class Part>
void write_parts(hid_t file, const char* table, const std::string& case_id,
                 const std::vector<Part>& parts, bool replace) {
  if (replace) {
    auto rows = read_rows<Part>(file, table);
    if (std::erase_if(rows, [&](const Part& row) { return row.case_id == case_id; }) > 0)
      rewrite_rows<Part>(file, table, rows);
  }
  append_rows<Part>(file, table, parts);
}

void write_more(hid_t, const CommRow&, bool) {}
void write_more(hid_t, const ScalingRow&, bool) {}
void write_more(hid_t file, const EabRow& row, bool) {
  write_trace(file, row.record.case_id, row.trace);
}
void write_more(hid_t file, const EpRow& row, bool replace) {
  const std::string& id = row.record.case_id;
  write_parts(file, kEpComponents, id, row.components, replace);
  write_parts(file, kEpOperations, id, row.operations, replace);
  write_parts(file, kEpTraining, id, row.training, replace);
  write_trace(file, id, row.trace);
}

} // namespace

template <class Row>
void write_case(hid_t file, const Row& row, const std::optional<std::size_t>& replaced) {
  using Record = decltype(row.record);
  const Tables names = tables_of(row.record);
  if (replaced)
    write_row(file, names.cases, *replaced, row.record);
  else
    append_rows(file, names.cases, std::span<const Record>(&row.record, 1));
  write_parts(file, names.samples, row.record.case_id, row.repeats, replaced.has_value());
  write_more(file, row, replaced.has_value());
}

template void write_case(hid_t, const EabRow&, const std::optional<std::size_t>&);
template void write_case(hid_t, const EpRow&, const std::optional<std::size_t>&);
template void write_case(hid_t, const CommRow&, const std::optional<std::size_t>&);
template void write_case(hid_t, const ScalingRow&, const std::optional<std::size_t>&);

} // namespace peakbench::results
