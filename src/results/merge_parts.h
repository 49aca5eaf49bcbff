// What merging needs of rows: their content, who belongs to which case, new numbers.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "results/hdf5.h"
#include "results/store.h"

namespace peakbench::results {

// Everything in a row but where it lies: neither `source` nor `launch` nor `environment`.
template <class Record>
std::string content_of(const Record& record);

// Rows of /environment, equal ones once.
class Environments {
public:
  // The number of each row.
  std::vector<std::int64_t> add(const std::vector<EnvironmentRow>& rows);
  // "" for a number that there is not.
  std::string content_at(std::int64_t number) const;
  // Those that were added since the last call.
  std::vector<EnvironmentRow> take_new() { return std::exchange(new_, {}); }

private:
  std::unordered_map<std::string, std::int64_t> numbers_;
  std::vector<const std::string*> contents_; // keys of numbers_, which stay where they are
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

// One table of rows that belong to cases, by the case and where it was measured.
template <class Part>
class Parts {
public:
  Parts(const std::vector<Part>& rows, std::vector<Part>& out) : out_(out) {
    for (const Part& row : rows)
      of_case_[{row.case_id, row.source}].push_back(&row);
  }
  template <class Record>
  void add_content(const Record& record, std::string& bytes) const {
    const auto rows = of_case_.find({record.case_id, record.source});
    if (rows == of_case_.end())
      return;
    for (const Part* row : rows->second)
      bytes += content_of(*row);
  }
  template <class Record>
  void move(const Record& record, std::int64_t source) {
    const auto rows = of_case_.find({record.case_id, record.source});
    if (rows == of_case_.end())
      return;
    for (const Part* row : rows->second) {
      out_.push_back(*row);
      out_.back().source = source;
    }
    of_case_.erase(rows); // once, whatever a damaged file says
  }

private:
  std::vector<Part>& out_;
  std::map<std::pair<std::string, std::int64_t>, std::vector<const Part*>> of_case_;
};

// Cases that were measured into the file itself, not merged into it.
std::int64_t own_cases(const RunData& data);
bool has_own_rows(const RunData& data);
std::size_t row_count(const RunData& data);
// All cases and what belongs to them, and ranks, to the ends of their tables.
void append_all(hid_t file, const RunData& rows);

// UserError if a column of a table with rows is in another unit than the field list's.
void require_units(hid_t file, const RunData& rows);

bool same_trace(bool eab, hid_t a, const std::string& name_a, hid_t b, const std::string& name_b);

void copy_object(hid_t from, const std::string& name, hid_t to, const std::string& new_name);
void drop_link(hid_t file, const std::string& name);
std::vector<std::string> names_in(hid_t file, const std::string& group);
template <class Value>
void replace_attribute(hid_t object, const std::string& name, const Value& value) {
  check(H5Adelete(object, name.c_str()), "H5Adelete");
  write_attribute(object, name, value);
}

} // namespace peakbench::results
