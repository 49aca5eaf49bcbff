// Speed-up and efficiency of the suite itself.
#include <fmt/format.h>

#include <cmath>

#include "report/scaling_rates.h"
#include "report/sections.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

std::string percent(double share) { return fixed(100 * share, 1); }

// "1.91 to 2.05", or nothing.
std::string interval(double low, double high) {
  return std::isnan(low) || std::isnan(high) ? std::string(kNothing)
                                             : number(low) + " to " + number(high);
}

Table table_of_mode(const ScalingLines& all, const std::string& mode) {
  Table table =
      table_of(fmt::format("Scaling: {}", mode == "strong" ? "strong (the same cases on more ranks)"
                                                           : "weak (as many more cases as ranks)"),
               all.grouping,
               {{"share", "", true},
                {"ranks", ""},
                {"cases", ""},
                {"n", ""},
                {"time", "s"},
                {"rate", "cases/s"},
                {"interval", "cases/s"},
                {"speed-up", "x"},
                {"efficiency", "%"},
                {"idle", "%"},
                {"finished", ""}});
  for (const ScalingLine& line : all.lines) {
    if (line.mode != mode)
      continue;
    for (const ScalingRate& rate : line.rates)
      table.rows.push_back(
          joined(line.setting,
                 {line.share, count(rate.ranks),
                  whole(median_over(
                      rate.rows, [](const results::ScalingCase& row) { return real(row.cases); })),
                  repeats_of(rate.rows), number(rate.seconds), number(rate.cases_per_second),
                  interval(rate.low, rate.high), fixed(rate.speedup, 2), percent(rate.efficiency),
                  percent(rate.idle_share), share_finished(rate.rows)}));
  }
  return table;
}

} // namespace

std::vector<Table> scaling_tables(const std::vector<results::ScalingCase>& cases) {
  std::vector<Table> tables;
  const ScalingLines all = scaling_lines(cases);
  for (const char* mode : {"strong", "weak"}) {
    Table table = table_of_mode(all, mode);
    if (table.rows.empty())
      continue;
    table.notes.push_back("Speed-up of the cases per second against the fewest ranks of the same "
                          "share; efficiency = speed-up / (ranks / fewest ranks).");
    table.notes.push_back("The clock runs from the first case handed out to the last one stored; "
                          "idle: of all ranks' time, waiting for cases and for the others.");
    tables.push_back(std::move(table));
  }
  add_validity(tables, cases);
  return tables;
}

} // namespace peakbench::report
