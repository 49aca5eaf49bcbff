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
  std::string_view unit; // "bytes", "seconds", "tokens", "1", ""
  std::string_view description;
  Role role;
  std::variant<Integer, Real, Text> get;
};

template <class Record>
std::span<const Field<Record>> fields();
template <>
std::span<const Field<EabCase>> fields<EabCase>();
template <>
std::span<const Field<EpCase>> fields<EpCase>();
template <>
std::span<const Field<CommCase>> fields<CommCase>();
template <>
std::span<const Field<ScalingCase>> fields<ScalingCase>();
template <>
std::span<const Field<RepeatRow>> fields<RepeatRow>();
template <>
std::span<const Field<EpComponentRow>> fields<EpComponentRow>();
template <>
std::span<const Field<EpOperationRow>> fields<EpOperationRow>();
template <>
std::span<const Field<EpTrainingRow>> fields<EpTrainingRow>();
template <>
std::span<const Field<EnvironmentRow>> fields<EnvironmentRow>();
template <>
std::span<const Field<RankRow>> fields<RankRow>();
template <>
std::span<const Field<SourceRow>> fields<SourceRow>();

inline constexpr std::string_view kSourceDescription =
    "row of /sources (from 0) that it was merged from; none: measured into this file";

// A value of any field of a record.
using Value = std::variant<std::int64_t, double, std::string>;
template <class Record>
Value value_of(const Field<Record>& field, const Record& record) {
  // Getters serve readers and writers alike, hence take a mutable record; nothing is written here.
  return std::visit([&](auto get) -> Value { return get(const_cast<Record&>(record)); }, field.get);
}
bool is_absent(const Value& value);
// Numbers as short as they can be read back exactly, absent ones as nothing.
std::string text_of(const Value& value);

// The description with what an absent value looks like, as stored beside the column.
template <class Record>
std::string description_of(const Field<Record>& field) {
  constexpr std::string_view kAbsentIs[] = {"-1", "NaN", "empty"};
  return std::string(field.description) + " (absent: " + std::string(kAbsentIs[field.get.index()]) +
         ")";
}

// The stable id: hash of the independent variables by name and value. Absent ones do not count, so
// a later version may add a variable and old ids stay.
std::string case_id_of(const EabCase& record);
std::string case_id_of(const EpCase& record);
std::string case_id_of(const CommCase& record);
std::string case_id_of(const ScalingCase& record);

} // namespace peakbench::results
