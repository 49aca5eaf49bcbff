#include "report/report.h"
#include "report/sections.h"
#include "report/selections.h"

namespace peakbench::report {

std::vector<Table> tables_of(const results::RunData& run, bool detail) {
  std::vector<Table> tables = eab_tables(run.eab);
  const auto add = [&](std::vector<Table> more) {
    tables.insert(tables.end(), more.begin(), more.end());
  };
  add(eab_timeline_tables(run.eab));
  add(ep_tables(run.ep));
  add(ep_training_tables(run));
  add(ep_profile_tables(run));
  add(ep_criteria_tables(run));
  add(ep_timeline_tables(run.ep));
  add(comm_tables(run.comm));
  add(scaling_tables(run.scaling));
  if (detail)
    add(detail_tables(run));
  add(rank_tables(run.ranks));
  add(validity_tables(run));
  add_selections(run, tables);
  return tables;
}

} // namespace peakbench::report
