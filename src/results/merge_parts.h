// What merging needs of rows: their content, who belongs to which case, new numbers.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "results/hdf5.h"
#include "results/store.h"

namespace peakbench::results {

// Rows of /environment, equal ones once.
class Environments {
public:
  // The number of each row.
  std::vector<std::int64_t> add(const std::vector<EnvironmentRow>& rows);
  // Those that were added since the last call.
  std::vector<EnvironmentRow> take_new() { return std::exchange(new_, {}); }

private:
  std::unordered_map<std::uint64_t, std::int64_t> numbers_; // by a hash of what they say
  std::vector<EnvironmentRow> new_;
};

// From an input's numbers to those of the merged file.
struct Renumbering {
  std::vector<std::int64_t> environments, sources;
  std::int64_t own_source = kAbsent;

  std::int64_t environment(std::int64_t number) const {
    return at(environments, number, kAbsent); // absent in files of earlier versions
  }
  std::int64_t source(std::int64_t number) const { return at(sources, number, own_source); }

private:
  static std::int64_t at(const std::vector<std::int64_t>& list, std::int64_t number,
                         std::int64_t otherwise) {
    return number >= 0 && number < static_cast<std::int64_t>(list.size())
               ? list[static_cast<std::size_t>(number)]
               : otherwise;
  }
};

std::size_t row_count(const RunData& data);
// All cases and what belongs to them, and ranks, to the ends of their tables.
void append_all(hid_t file, const RunData& rows);

// The name of a row's trace among those of a file: further rows of a case have their source in it.
inline std::string trace_id(const std::string& case_id, std::int64_t source, bool first) {
  return case_id.empty() || first ? case_id : case_id + "." + std::to_string(source);
}
// Equal if, and only if, the traces are. `id`: its name among the traces of the kind.
std::string content_of_trace(bool eab, hid_t file, const std::string& id);

void drop_link(hid_t file, const std::string& name);
std::vector<std::string> names_in(hid_t file, const std::string& group);
template <class Value>
void replace_attribute(hid_t object, const std::string& name, const Value& value) {
  check(H5Adelete(object, name.c_str()), "H5Adelete");
  write_attribute(object, name, value);
}

} // namespace peakbench::results
