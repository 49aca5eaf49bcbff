#include "results/merge_parts.h"

#include <algorithm>

#include "results/fields.h"
#include "results/layout.h"
#include "results/table.h"
#include "results/traces.h"

namespace peakbench::results {

template <class Record>
std::string content_of(const Record& record) {
  std::string bytes;
  for (const auto& field : fields<Record>()) {
    if (field.name == "source" || field.name == "launch" || field.name == "environment")
      continue;
    bytes += text_of(value_of(field, record));
    bytes += '\0'; // texts hold none
  }
  return bytes;
}

#define PEAKBENCH_CONTENT_OF(Record) template std::string content_of(const Record&);
PEAKBENCH_CONTENT_OF(EabCase)
PEAKBENCH_CONTENT_OF(EpCase)
PEAKBENCH_CONTENT_OF(CommCase)
PEAKBENCH_CONTENT_OF(ScalingCase)
PEAKBENCH_CONTENT_OF(RepeatRow)
PEAKBENCH_CONTENT_OF(EpComponentRow)
PEAKBENCH_CONTENT_OF(EpOperationRow)
PEAKBENCH_CONTENT_OF(EpTrainingRow)
PEAKBENCH_CONTENT_OF(RankRow)
#undef PEAKBENCH_CONTENT_OF

std::vector<std::int64_t> Environments::add(const std::vector<EnvironmentRow>& rows) {
  std::vector<std::int64_t> numbers;
  for (const EnvironmentRow& row : rows) {
    const auto [known, is_new] =
        numbers_.emplace(content_of(row), static_cast<std::int64_t>(contents_.size()));
    if (is_new) {
      contents_.push_back(&known->first);
      new_.push_back(row);
    }
    numbers.push_back(known->second);
  }
  return numbers;
}

std::string Environments::content_at(std::int64_t number) const {
  return number >= 0 ? *contents_.at(static_cast<std::size_t>(number)) : std::string();
}

namespace {

template <class Record>
bool is_own(const RunData& data, const Record& row) {
  return row.source < 0 || row.source >= static_cast<std::int64_t>(data.sources.size());
}

} // namespace

std::int64_t own_cases(const RunData& data) {
  const auto own = [&](const auto& records) {
    return std::ranges::count_if(records, [&](const auto& row) { return is_own(data, row); });
  };
  return own(data.eab) + own(data.ep) + own(data.comm) + own(data.scaling);
}

bool has_own_rows(const RunData& data) {
  return data.sources.empty() || own_cases(data) > 0 ||
         std::ranges::any_of(data.ranks, [&](const RankRow& row) { return is_own(data, row); });
}

namespace {

// Every table of cases and of what belongs to them, with its rows.
template <class Visit>
void for_each_table(const RunData& data, Visit visit) {
  visit(kEabCases, data.eab);
  visit(kEpCases, data.ep);
  visit(kCommCases, data.comm);
  visit(kScalingCases, data.scaling);
  visit(kEabSamples, data.eab_repeats);
  visit(kEpSamples, data.ep_repeats);
  visit(kCommSamples, data.comm_repeats);
  visit(kScalingSamples, data.scaling_repeats);
  visit(kEpComponents, data.ep_components);
  visit(kEpOperations, data.ep_operations);
  visit(kEpTraining, data.ep_training);
  visit(kRanks, data.ranks);
}

template <class Trace>
std::string content_of_trace(hid_t file, const std::string& name) {
  Trace trace;
  const std::string id = name.substr(name.rfind('/') + 1);
  read_trace(file, id, trace);
  if constexpr (std::is_same_v<Trace, EabTrace>)
    return to_message(EabRow{{}, {}, trace});
  else
    return to_message(EpRow{{}, {}, trace, {}, {}, {}});
}

} // namespace

std::size_t row_count(const RunData& data) {
  std::size_t count = 0;
  for_each_table(data, [&](const char*, const auto& rows) { count += rows.size(); });
  return count;
}

void append_all(hid_t file, const RunData& data) {
  for_each_table(data, [&]<class Row>(const char* table, const std::vector<Row>& rows) {
    if (!rows.empty())
      append_rows<Row>(file, table, rows);
  });
}

void require_units(hid_t file, const RunData& data) {
  for_each_table(data, [&]<class Row>(const char* table, const std::vector<Row>& rows) {
    if (rows.empty())
      return;
    const std::string column = column_of_another_unit<Row>(file, table);
    if (!column.empty())
      throw UserError("cannot merge results file " + data.path,
                      std::string("column ") + column + " of " + table +
                          " is in another unit than this version writes",
                      "read it with the version of peakbench that wrote it.");
  });
}

bool same_trace(bool eab, hid_t a, const std::string& name_a, hid_t b, const std::string& name_b) {
  return eab ? content_of_trace<EabTrace>(a, name_a) == content_of_trace<EabTrace>(b, name_b)
             : content_of_trace<EpTrace>(a, name_a) == content_of_trace<EpTrace>(b, name_b);
}

void copy_object(hid_t from, const std::string& name, hid_t to, const std::string& new_name) {
  check(H5Ocopy(from, name.c_str(), to, new_name.c_str(), H5P_DEFAULT, H5P_DEFAULT), "H5Ocopy");
}

void drop_link(hid_t file, const std::string& name) {
  check(H5Ldelete(file, name.c_str(), H5P_DEFAULT), "H5Ldelete");
}

std::vector<std::string> names_in(hid_t file, const std::string& group) {
  const Handle opened(H5Gopen2(file, group.c_str(), H5P_DEFAULT), H5Gclose, "H5Gopen");
  std::vector<std::string> names;
  const auto note = [](hid_t, const char* name, const H5L_info_t*, void* list) -> herr_t {
    static_cast<std::vector<std::string>*>(list)->emplace_back(name);
    return 0;
  };
  check(H5Literate(opened, H5_INDEX_NAME, H5_ITER_INC, nullptr, note, &names), "H5Literate");
  return names;
}

} // namespace peakbench::results
