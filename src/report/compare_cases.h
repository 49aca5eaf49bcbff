// The cases of two runs, matched by their id.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>

#include "report/compare.h"
#include "report/groups.h"

namespace peakbench::report {

// What is compared of a kind of cases.
template <class Record>
struct Compared;

template <>
struct Compared<results::EabCase> {
  static constexpr std::string_view kKind = "eab", kTitle = "EAB", kPeak = "peak_bytes";
  static constexpr std::string_view kWatched[] = {"tree_matches_reference", "samples", "branches",
                                                  "emitted_tokens", "unique_tree_tokens"};
  static std::string arm(const results::EabCase& row) { return row.arm + " " + row.decode; }
  static double seconds(const results::EabCase& row) { return row.wall_seconds; }
  static std::int64_t peak(const results::EabCase& row) { return row.peak_bytes; }
};
template <>
struct Compared<results::EpCase> {
  static constexpr std::string_view kKind = "ep", kTitle = "EP",
                                    kPeak = "peak_beyond_weights_bytes";
  static constexpr std::string_view kWatched[] = {"gradient_error", "reach", "settled_steps"};
  static std::string arm(const results::EpCase& row) { return row.arm; }
  static double seconds(const results::EpCase& row) { return row.step_seconds; }
  static std::int64_t peak(const results::EpCase& row) { return row.peak_beyond_weights_bytes; }
};
template <>
struct Compared<results::CommCase> {
  static constexpr std::string_view kKind = "comm", kTitle = "comm", kPeak = "";
  static constexpr std::string_view kWatched[] = {"transport"};
  static std::string arm(const results::CommCase& row) { return row.operation + " " + row.backend; }
  static double seconds(const results::CommCase& row) { return row.seconds; }
  static std::int64_t peak(const results::CommCase&) { return results::kAbsent; }
};
template <>
struct Compared<results::ScalingCase> {
  static constexpr std::string_view kKind = "scaling", kTitle = "scaling", kPeak = "";
  static constexpr std::string_view kWatched[] = {"cases"};
  static std::string arm(const results::ScalingCase& row) { return row.mode + " " + row.share; }
  static double seconds(const results::ScalingCase& row) { return row.seconds; }
  static std::int64_t peak(const results::ScalingCase&) { return results::kAbsent; }
};

template <class Record>
bool is_good(const Record& row) {
  return row.status == "ok" && !row.validity.starts_with("INVALID");
}

// One side of a case: its rows in all files of the side.
template <class Record>
struct Side {
  Rows<Record> rows;
  std::vector<double> seconds;

  // The one to worry about, if there is one.
  const Record& worst() const {
    const auto bad = std::ranges::find_if(rows, [](const Record* row) { return !is_good(*row); });
    return bad == rows.end() ? *rows.front() : **bad;
  }
  std::int64_t peak() const {
    std::int64_t greatest = results::kAbsent;
    for (const Record* row : rows)
      greatest = std::max(greatest, Compared<Record>::peak(*row));
    return greatest;
  }
};

template <class Record>
using Sides = std::unordered_map<std::string_view, Side<Record>>;

// Repeats are pooled over the files of a side; the same repeat with the same time to the last bit
// is a copy of it (a file and what it was merged into) and counts once.
template <class Record>
Sides<Record> sides_of(const std::vector<Record>& cases,
                       const std::vector<results::RepeatRow>& repeats) {
  Sides<Record> sides;
  for (const Record& row : cases)
    sides[row.case_id].rows.push_back(&row);
  std::unordered_map<std::string_view, std::set<std::pair<std::int64_t, std::uint64_t>>> seen;
  for (const results::RepeatRow& repeat : repeats) {
    const auto side = sides.find(repeat.case_id);
    if (side == sides.end() || !(repeat.seconds > 0) || !std::isfinite(repeat.seconds))
      continue;
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(repeat.seconds);
    if (side->second.rows.size() == 1 || seen[repeat.case_id].insert({repeat.repeat, bits}).second)
      side->second.seconds.push_back(repeat.seconds);
  }
  return sides;
}

// Of real numbers a change of the last digits is none.
inline bool has_changed(const results::Value& before, const results::Value& now) {
  if (results::is_absent(before) || results::is_absent(now))
    return false;
  if (const auto* real = std::get_if<double>(&before)) {
    constexpr double kFactor = 2; // errors of rounding move by less
    const double ratio = std::get<double>(now) / *real;
    return *real != std::get<double>(now) && !(ratio < kFactor && ratio > 1 / kFactor);
  }
  return before != now;
}

template <class Record>
std::vector<Change> changes_of(const Record& before, const Record& now) {
  std::vector<Change> changes;
  const auto add = [&](std::string_view column, const std::string& old, const std::string& fresh) {
    if (old != fresh)
      changes.push_back({std::string(column), old, fresh});
  };
  add("status", before.status, now.status);
  if (before.status != now.status)
    add("reason", before.reason, now.reason);
  add("validity", before.validity, now.validity);
  for (const auto& field : results::fields<Record>()) {
    if (std::ranges::count(Compared<Record>::kWatched, field.name) == 0)
      continue;
    const auto old = results::value_of(field, before), fresh = results::value_of(field, now);
    if (has_changed(old, fresh))
      changes.push_back({std::string(field.name), results::text_of(old), results::text_of(fresh)});
  }
  return changes;
}

// Independent variables with several values among the rows; those that another one implies are left
// out, and the arm is always named.
template <class Record>
std::vector<const results::Field<Record>*> varying_of(const Rows<Record>& rows) {
  constexpr std::string_view kImplied[] = {"prompt_hash", "domain"};
  std::vector<const results::Field<Record>*> varying;
  for (const auto& field : results::fields<Record>()) {
    if (field.role != results::Role::independent || std::ranges::count(kImplied, field.name))
      continue;
    const auto first = results::value_of(field, *rows.front());
    const auto differs = [&](const Record* row) {
      const auto value = results::value_of(field, *row);
      return results::is_absent(value) != results::is_absent(first) ||
             (!results::is_absent(value) && value != first);
    };
    if (field.name == "arm" || field.name == "operation" || field.name == "mode" ||
        std::ranges::any_of(rows, differs))
      varying.push_back(&field);
  }
  return varying;
}

} // namespace peakbench::report
