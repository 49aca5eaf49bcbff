// The one field list per record type.
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include "results/records.h"

namespace peakbench::results {

enum class Role { id, independent, measured };

// `get` returns a reference to the member, so nested structs need no offsets.
template <class Record>
struct Field {
  using Integer = std::int64_t& (*)(Record&);
  using Real = double& (*)(Record&);
  using Text = std::string& (*)(Record&);
  std::string_view name;
  std::string_view unit;  // "bytes", "seconds", "tokens", "1", ""
  std::string_view description;
  Role role;
  std::variant<Integer, Real, Text> get;
};

template <class Record>
std::span<const Field<Record>> fields();
template <> std::span<const Field<EabCase>> fields<EabCase>();
template <> std::span<const Field<EpCase>> fields<EpCase>();
template <> std::span<const Field<RepeatRow>> fields<RepeatRow>();
template <> std::span<const Field<EnvironmentRow>> fields<EnvironmentRow>();

// The stable id: hash of the independent variables by name and value.
std::string case_id_of(const EabCase& record);
std::string case_id_of(const EpCase& record);

}  // namespace peakbench::results
