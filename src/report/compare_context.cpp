#include "report/compare_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/selections.h"
#include "results/drift.h"
#include "results/fields.h"

namespace peakbench::report {

namespace {

using results::RunData;

std::string listed(const std::set<std::string>& values) {
  constexpr std::size_t kShown = 4;
  std::string text;
  std::size_t shown = 0;
  for (const std::string& value : values) {
    if (shown == kShown)
      return text + fmt::format(" and {} more", values.size() - kShown);
    text += (shown++ ? " " : "") + (value.empty() ? "none" : value);
  }
  return text;
}

// Independent variables that have no value in common.
template <class Record>
std::string differences(const std::vector<Record>& before, const std::vector<Record>& now) {
  std::string text;
  if (before.empty() || now.empty())
    return text;
  for (const auto& field : results::fields<Record>()) {
    if (field.role != results::Role::independent)
      continue;
    std::set<std::string> old, fresh;
    for (const Record& row : before)
      old.insert(results::text_of(results::value_of(field, row)));
    for (const Record& row : now)
      fresh.insert(results::text_of(results::value_of(field, row)));
    if (std::ranges::none_of(old, [&](const std::string& value) { return fresh.contains(value); }))
      text += fmt::format("{}{} {} before, {} now", text.empty() ? "" : "; ", field.name,
                          listed(old), listed(fresh));
  }
  return text;
}

} // namespace

std::vector<std::string> environment_notes(const RunData& baseline, const RunData& now) {
  std::vector<std::string> notes;
  for (const RunData* side : {&baseline, &now})
    if (const std::string chosen = selection_note(*side); !chosen.empty())
      notes.push_back("A selection: " + chosen);
  const auto before = results::environments_of_cases(baseline),
             after = results::environments_of_cases(now);
  if (before.empty() || after.empty()) {
    notes.emplace_back("Of one side the environment is not known.");
    return notes;
  }
  std::vector<results::Drift> ours, others;
  for (results::Drift& drift : results::drift_between(before, after))
    (drift.name == "git_revision" || drift.name == "peakbench_version" ? ours : others)
        .push_back(std::move(drift));
  if (!ours.empty())
    notes.push_back(fmt::format("Versions of the suite: {}.", results::text_of(ours)));
  notes.push_back(
      others.empty()
          ? "Both sides ran in the same environment: device, driver, processor, threads, libraries."
          : fmt::format("The environments differ ({}): what is compared is these as well, and no "
                        "difference is the code's alone.",
                        results::text_of(others)));
  return notes;
}

std::string differences_of_settings(const RunData& baseline, const RunData& now) {
  std::string text;
  for (const std::string& more :
       {differences(baseline.eab, now.eab), differences(baseline.ep, now.ep),
        differences(baseline.comm, now.comm), differences(baseline.scaling, now.scaling)})
    text += (text.empty() || more.empty() ? "" : "; ") + more;
  return text;
}

} // namespace peakbench::report
