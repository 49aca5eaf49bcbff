#include "results/drift.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "results/fields.h"

namespace peakbench::results {

namespace {

// The others say where, not in what: rank, host, and variables, most of which are about placement.
constexpr std::array<std::string_view, 13> kDecisive{"device_name",  "device_memory_bytes",
                                                     "driver",       "cpu",
                                                     "threads",      "peakbench_version",
                                                     "git_revision", "compiler",
                                                     "torch",        "mpi",
                                                     "hdf5",         "cuda",
                                                     "nccl"};

using Values = std::set<std::string>;

Values values_of(std::span<const EnvironmentRow> rows, const Field<EnvironmentRow>& field) {
  Values values;
  for (const EnvironmentRow& row : rows) {
    const std::string text = text_of(value_of(field, row));
    values.insert(text.empty() ? "none" : text);
  }
  return values;
}

template <class Differ>
std::vector<Drift> drifts(Differ differ) {
  std::vector<Drift> found;
  for (const auto& field : fields<EnvironmentRow>())
    if (std::ranges::find(kDecisive, field.name) != kDecisive.end())
      differ(field, found);
  return found;
}

std::vector<std::string> listed(const Values& values) { return {values.begin(), values.end()}; }

} // namespace

std::vector<EnvironmentRow> environments_of_cases(const RunData& run) {
  std::set<std::int64_t> numbers;
  const auto note = [&](const auto& rows) {
    for (const auto& row : rows)
      numbers.insert(row.environment);
  };
  note(run.eab);
  note(run.ep);
  note(run.comm);
  note(run.scaling);
  std::vector<EnvironmentRow> used;
  for (const std::int64_t number : numbers)
    if (number >= 0 && number < std::ssize(run.environment))
      used.push_back(run.environment[static_cast<std::size_t>(number)]);
  return used;
}

std::vector<Drift> drift_between(std::span<const EnvironmentRow> before,
                                 std::span<const EnvironmentRow> now) {
  if (before.empty() || now.empty())
    return {};
  return drifts([&](const Field<EnvironmentRow>& field, std::vector<Drift>& found) {
    const Values old = values_of(before, field), fresh = values_of(now, field);
    if (old != fresh)
      found.push_back({std::string(field.name), listed(old), listed(fresh)});
  });
}

std::vector<Drift> drift_among(std::span<const EnvironmentRow> rows) {
  return drifts([&](const Field<EnvironmentRow>& field, std::vector<Drift>& found) {
    const Values all = values_of(rows, field);
    if (all.size() > 1)
      found.push_back({std::string(field.name), listed(all), {}});
  });
}

std::string text_of(std::span<const Drift> drifts) {
  std::string text;
  for (const Drift& one : drifts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : "; ", one.name, fmt::join(one.before, ", "));
    if (!one.now.empty())
      text += fmt::format(" before, {} now", fmt::join(one.now, ", "));
  }
  return text;
}

} // namespace peakbench::results
