#include "checker.h"

#include <sstream>

#include "contents.h"

namespace peakbench::testing {

namespace {

// "...  LABEL  ..." between double spaces.
std::string until_double_space(const std::string& text) { return text.substr(0, text.find("  ")); }

std::string problem_with_rows(const results::RunData& data) {
  std::map<std::string, std::set<std::int64_t>> repeats;
  for (const auto& row : data.ep_repeats)
    if (!repeats[row.case_id].insert(row.repeat).second)
      return row.case_id + " has a repeat twice";
  std::set<std::string> seen;
  for (const auto& record : data.ep) {
    if (!seen.insert(record.case_id).second)
      return record.case_id + " is there twice";
    const bool ok = record.status == "ok";
    const std::size_t expected = ok ? static_cast<std::size_t>(record.repeats) : 0;
    if (repeats[record.case_id].size() != expected)
      return record.case_id + " (" + record.status + ") has " +
             std::to_string(repeats[record.case_id].size()) + " repeats";
    if (ok && results::load_ep_trace(data.path, record.case_id).gradient_norm.empty())
      return record.case_id + " has no trace";
  }
  for (const auto& [id, rows] : repeats)
    if (!rows.empty() && !seen.contains(id))
      return "repeats of " + id + ", which is not there";
  return "";
}

} // namespace

std::map<std::string, std::string> ids_by_label(const std::string& list) {
  std::map<std::string, std::string> ids;
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, cost, label;
    words >> id >> cost >> std::ws;
    std::getline(words, label);
    if (id.size() == 16)
      ids[label] = id;
  }
  return ids;
}

std::set<std::string> reported_in(const std::string& output,
                                  const std::map<std::string, std::string>& id_of) {
  std::set<std::string> reported;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t rank = line.find("] rank "), label = line.find("  ", rank);
    if (!line.starts_with("[") || rank == std::string::npos || label == std::string::npos)
      continue;
    const auto found = id_of.find(until_double_space(line.substr(label + 2)));
    if (found != id_of.end())
      reported.insert(found->second);
  }
  return reported;
}

std::string problem_with(const results::RunData& data, const Promised& promised) {
  std::map<std::string, const results::EpCase*> rows;
  for (const auto& record : data.ep)
    rows[record.case_id] = &record;
  for (const std::string& id : promised.reported)
    if (!rows.contains(id))
      return id + " was reported and is lost";
  for (const auto& [id, seconds] : promised.measured) {
    if (!rows.contains(id))
      return id + " was measured and is lost";
    if (rows[id]->step_seconds != seconds)
      return id + " was measured and then done again";
  }
  return problem_with_rows(data);
}

std::string difference(const results::RunData& data, const results::RunData& undisturbed) {
  const auto ours = contents(data.ep), theirs = contents(undisturbed.ep);
  for (const auto& [id, text] : theirs) {
    const auto found = ours.find(id);
    if (found == ours.end())
      return id + " is missing";
    if (found->second != text)
      return id + " differs:\n" + found->second + "instead of\n" + text;
    const auto a = results::load_ep_trace(data.path, id),
               b = results::load_ep_trace(undisturbed.path, id);
    if (a.energy != b.energy || a.gradient_norm != b.gradient_norm ||
        a.cosine_to_backprop != b.cosine_to_backprop)
      return id + " has another trace";
  }
  return ours.size() == theirs.size() ? "" : "there are cases too many";
}

} // namespace peakbench::testing
