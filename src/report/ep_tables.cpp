// Equilibrium propagation: memory and time of a training step versus depth.
#include <set>

#include "report/ep_depths.h"
#include "report/sections.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

std::vector<std::int64_t> depths_of(const std::vector<results::EpCase>& cases) {
  std::set<std::int64_t> depths;
  for (const results::EpCase& row : cases)
    depths.insert(row.depth);
  return {depths.begin(), depths.end()};
}

} // namespace

std::vector<Table> ep_tables(const std::vector<results::EpCase>& cases) {
  if (cases.empty())
    return {};
  const EpLayout layout{cases, group_rows(cases, kEpCompared), depths_of(cases)};
  std::vector<Table> tables = ep_memory_tables(layout);
  tables.insert(tables.begin() + 1, {ep_savings_table(layout), ep_time_table(layout)});
  std::erase_if(tables, [](const Table& table) { return table.rows.empty(); });
  add_validity(tables, cases);
  return tables;
}

} // namespace peakbench::report
