#include "results/merge_parts.h"

#include "results/digest.h"
#include "results/layout.h"
#include "results/table.h"
#include "results/tables.h"
#include "results/traces.h"

namespace peakbench::results {

std::vector<std::int64_t> Environments::add(const std::vector<EnvironmentRow>& rows) {
  std::vector<std::int64_t> numbers;
  for (const EnvironmentRow& row : rows) {
    const auto [known, is_new] =
        numbers_.emplace(hash64(content_of(row)), static_cast<std::int64_t>(numbers_.size()));
    if (is_new)
      new_.push_back(row);
    numbers.push_back(known->second);
  }
  return numbers;
}

std::string content_of_trace(bool eab, hid_t file, const std::string& id) {
  if (eab) {
    EabRow row;
    read_trace(file, id, row.trace);
    return to_message(row);
  }
  EpRow row;
  read_trace(file, id, row.trace);
  return to_message(row);
}

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
