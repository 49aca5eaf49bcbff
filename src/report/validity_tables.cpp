// What to think of the figures: cases that did not finish, checks that failed, noise.
#include <fmt/format.h>

#include <cmath>
#include <set>

#include "report/numbers.h"
#include "report/sections.h"
#include "report/validity.h"
#include "results/drift.h"

namespace peakbench::report {

namespace {

using results::EabCase;
using results::EpCase;

constexpr const char* kStatuses[] = {"ok",        "failed",   "out_of_memory",
                                     "timed_out", "diverged", "skipped"};

std::string what(const EabCase& row) {
  return row.arm + " " + row.decode + ", prompt " + row.prompt_id;
}
std::string what(const EpCase& row) { return row.arm + ", depth " + std::to_string(row.depth); }

std::string what(const results::CommCase& row) {
  return fmt::format("{} {} {} bytes, {} ranks", row.operation, row.backend, row.message_bytes,
                     row.ranks);
}
std::string what(const results::ScalingCase& row) {
  return fmt::format("{}, {}, {} ranks", row.mode, row.share, row.ranks);
}

template <class Record>
void add_counts(Table& table, const char* kind, const std::vector<Record>& rows) {
  if (rows.empty())
    return;
  std::vector<std::string> cells{kind, std::to_string(rows.size())};
  const auto add = [&](auto predicate) {
    cells.push_back(std::to_string(std::ranges::count_if(rows, predicate)));
  };
  for (const char* status : kStatuses)
    add([&](const Record& row) { return row.status == status; });
  add([](const Record& row) { return is_invalid(row); });
  if constexpr (requires { Record::memory_repeats; })
    add([](const Record& row) { return row.memory_repeats == 0; });
  else
    cells.emplace_back(kNothing);
  add([](const Record& row) { return interval_percent(row) > kNoisyPercent; });
  table.rows.push_back(cells);
}

Table counts(const results::RunData& run) {
  Table table;
  table.title = "Validity";
  table.columns = {{"cases", "", true}, {"all", ""}};
  for (const std::string status : kStatuses)
    table.columns.push_back({status, ""});
  table.columns.push_back({"INVALID", ""});
  table.columns.push_back({"peak differs between repeats", ""});
  table.columns.push_back({fmt::format("interval above {:.0f} %", kNoisyPercent), ""});
  add_counts(table, "EAB", run.eab);
  add_counts(table, "EP", run.ep);
  add_counts(table, "comm", run.comm);
  add_counts(table, "scaling", run.scaling);
  return table;
}

void add_notes(Table& table, const results::RunData& run) {
  const auto random = [](const EabCase& row) { return row.weights == "random"; };
  if (std::ranges::any_of(run.eab, random))
    table.notes.push_back(
        "weights = random: these cases show what a model of that shape costs; their "
        "texts, entropies and branches say nothing about a trained one.");
  const auto few = [](const auto& row) {
    return row.repeats >= 0 && row.repeats < kRepeatsForInterval;
  };
  if (std::ranges::any_of(run.eab, few) || std::ranges::any_of(run.ep, few) ||
      std::ranges::any_of(run.comm, few) || std::ranges::any_of(run.scaling, few))
    table.notes.push_back(fmt::format(
        "Some cases have fewer than {} repeats: their interval is [least, greatest] and covers the "
        "median with less than 95 %.",
        kRepeatsForInterval));
  const auto noisy = [](const auto& row) { return interval_percent(row) > kNoisyPercent; };
  if (std::ranges::any_of(run.eab, noisy) || std::ranges::any_of(run.ep, noisy) ||
      std::ranges::any_of(run.comm, noisy) || std::ranges::any_of(run.scaling, noisy))
    table.notes.push_back("Wide intervals: other work on the machine, or too few repeats; raise "
                          "repeats.max or repeats.time_limit_seconds.");
}

void add_drift(Table& table, const results::RunData& run) {
  const auto drifts = results::drift_among(results::environments_of_cases(run));
  if (!drifts.empty())
    table.notes.push_back(fmt::format(
        "Cases of different environments ({}): medians over them compare these too; the column "
        "environment tells which case ran in which row of /environment.",
        results::text_of(drifts)));
}

template <class Record>
void add_bad(Table& table, const char* kind, const std::vector<Record>& rows) {
  for (const Record& row : rows) {
    if (row.status == "ok" && !is_invalid(row))
      continue;
    table.rows.push_back(
        {row.case_id, kind, what(row), row.status, row.status == "ok" ? row.validity : row.reason});
  }
}

} // namespace

std::vector<Table> validity_tables(const results::RunData& run) {
  Table summary = counts(run);
  if (summary.rows.empty())
    return {};
  add_notes(summary, run);
  add_drift(summary, run);
  Table bad;
  bad.title = "Cases that are not ok or not valid";
  bad.columns = {{"case", "", true},
                 {"kind", "", true},
                 {"what", "", true},
                 {"status", "", true},
                 {"reason", "", true}};
  add_bad(bad, "EAB", run.eab);
  add_bad(bad, "EP", run.ep);
  add_bad(bad, "comm", run.comm);
  add_bad(bad, "scaling", run.scaling);
  if (bad.rows.empty())
    return {summary};
  return {summary, bad};
}

} // namespace peakbench::report
