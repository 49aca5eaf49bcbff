// What every rank did in each launch of the program.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/numbers.h"
#include "report/sections.h"

namespace peakbench::report {

namespace {

using results::RankRow;
constexpr std::size_t kMostRows = 32;

double megabytes(std::int64_t bytes) { return real(bytes) / kMegabyte; }

} // namespace

std::vector<Table> rank_tables(const std::vector<RankRow>& ranks) {
  // Launches that did nothing, or only cases of all ranks together, have nothing to tell here.
  std::set<std::int64_t> worked;
  for (const RankRow& row : ranks)
    if (row.cases > 0)
      worked.insert(row.launch);
  Table table;
  table.title = "Ranks";
  table.columns = {{"launch", ""},     {"rank", ""},       {"host", "", true},  {"share", "", true},
                   {"cases", ""},      {"restarts", ""},   {"start", "s"},      {"all", "s"},
                   {"busy", "s"},      {"idle", "s"},      {"model load", "s"}, {"gathered", "MB"},
                   {"gathering", "s"}, {"ended", "", true}};
  std::size_t left_out = 0;
  for (const RankRow& row : ranks) {
    if (!worked.contains(row.launch))
      continue;
    if (table.rows.size() == kMostRows) {
      ++left_out;
      continue;
    }
    table.rows.push_back({count(row.launch), count(row.rank), row.host, row.share, count(row.cases),
                          count(row.restarts), fixed(row.start_seconds, 2), fixed(row.seconds, 2),
                          fixed(row.busy_seconds, 2), fixed(row.idle_seconds, 2),
                          fixed(row.load_seconds, 2), number(megabytes(row.gathered_bytes)),
                          number(row.gathering_seconds), row.ended});
  }
  if (table.rows.empty())
    return {};
  table.notes.push_back("Busy: in cases, loading models among it. Idle: waiting for cases and for "
                        "the others. Start: until the process for its cases was ready; not in "
                        "the others.");
  if (std::ranges::any_of(ranks, [](const RankRow& row) { return row.ended == "lost"; }))
    table.notes.push_back("A lost rank gave no sign of life any more: of it there is what it had "
                          "told before.");
  if (left_out > 0)
    table.notes.push_back(fmt::format("{} more rows: --rows ranks has all of them.", left_out));
  return {table};
}

} // namespace peakbench::report
