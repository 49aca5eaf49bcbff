// What may be made of the figures of a table, in one line: VALID or INVALID, why, and what to do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "report/numbers.h"
#include "report/report.h"

namespace peakbench::report {

inline constexpr double kNoisyPercent = 10;            // width of a median's interval
inline constexpr std::int64_t kRepeatsForInterval = 6; // fewer cannot carry a 95 % interval

template <class Record>
bool is_invalid(const Record& row) {
  return row.validity.starts_with("INVALID");
}

// Collects cases, tells what they are worth together.
//   VALID              every case ended ok and passed its checks
//   VALID, with gaps   some did not end ok: the medians are over the others
//   INVALID            a check failed, peaks of a case on the CPU differ from repeat to repeat, or
//                      no case ended ok
class Validity {
public:
  template <class Record>
  void add(const Record& row) {
    std::int64_t memory_repeats = results::kAbsent;
    if constexpr (requires { row.memory_repeats; })
      memory_repeats = row.memory_repeats;
    add(row.status, row.validity, row.device, row.repeats, memory_repeats, interval_percent(row));
  }
  // "" without cases.
  std::string text() const;

private:
  void add(const std::string& status, const std::string& validity, const std::string& device,
           std::int64_t repeats, std::int64_t memory_repeats, double interval_percent);
  std::string problems() const;
  std::string measured() const;
  std::string advice() const;

  std::int64_t cases_ = 0, ok_ = 0, invalid_ = 0, unstable_ = 0, noisy_ = 0;
  std::int64_t least_repeats_ = results::kAbsent, most_repeats_ = results::kAbsent;
  bool peaks_known_ = false;
  double widest_percent_ = results::kAbsentReal;
  std::string first_reason_;                   // of the first that is INVALID
  std::map<std::string, std::int64_t> not_ok_; // by status
};

// "1 repeat each", "3 to 8 repeats each"; "" if not known.
std::string repeats_text(std::int64_t least, std::int64_t most);
// Of the cases (pointers) behind a picture.
template <class List>
std::string repeats_each(const List& rows) {
  std::int64_t least = results::kAbsent, most = results::kAbsent;
  for (const auto* row : rows) {
    if (row->repeats < 0)
      continue;
    least = least < 0 ? row->repeats : std::min(least, row->repeats);
    most = std::max(most, row->repeats);
  }
  return repeats_text(least, most);
}

// Of records, or pointers to them.
template <class List>
std::string validity_of(const List& rows) {
  Validity validity;
  for (const auto& row : rows)
    if constexpr (std::is_pointer_v<std::remove_cvref_t<decltype(row)>>)
      validity.add(*row);
    else
      validity.add(row);
  return validity.text();
}

// Gives tables that have no line of their own the one of all these cases.
template <class List>
void add_validity(std::vector<Table>& tables, const List& rows) {
  const std::string text = validity_of(rows);
  for (Table& table : tables)
    if (table.validity.empty())
      table.validity = text;
}

} // namespace peakbench::report
