// What of results has to be equal whatever the ranks, the sharing and the interruptions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "results/fields.h"

namespace peakbench::testing {

// All but times, placement and what the process weighs.
inline bool may_differ(std::string_view name) {
  for (const char* part : {"second", "resident", "device_used", "repeats", "stop_reason"})
    if (name.find(part) != std::string_view::npos)
      return true;
  return name == "rank" || name == "host" || name == "device" || name == "environment";
}

// By case id.
template <class Record>
std::map<std::string, std::string> contents(const std::vector<Record>& records) {
  std::map<std::string, std::string> rows;
  for (const Record& record : records)
    for (const auto& field : results::fields<Record>())
      if (!may_differ(field.name))
        rows[record.case_id] += std::string(field.name) + "=" +
                                results::text_of(results::value_of(field, record)) + "\n";
  return rows;
}

} // namespace peakbench::testing
