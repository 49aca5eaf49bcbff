// Every case's row.
#include "report/numbers.h"
#include "report/sections.h"

namespace peakbench::report {

namespace {

std::string megabytes(std::int64_t bytes) { return number(real(bytes) / kMegabyte); }

Table eab_cases(const results::RunData& run) {
  Table table;
  table.title = "EAB: every case";
  table.columns = {{"case", "", true},   {"prompt", "", true},  {"arm", "", true},
                   {"decode", "", true}, {"prompt tokens", ""}, {"status", "", true},
                   {"samples", ""},      {"wall time", "s"},    {"interval", "%"},
                   {"repeats", ""},      {"peak", "MB"},        {"KV at its peak", "MB"},
                   {"rank", ""}};
  for (const auto& row : run.eab)
    table.rows.push_back({row.case_id, row.prompt_id, row.arm, row.decode, count(row.prompt_tokens),
                          row.status, count(row.samples), number(row.wall_seconds),
                          fixed(interval_percent(row), 1), count(row.repeats),
                          megabytes(row.peak_bytes), megabytes(row.kv_physical_bytes),
                          count(row.rank)});
  return table;
}

Table ep_cases(const results::RunData& run) {
  Table table;
  table.title = "EP: every case";
  table.columns = {{"case", "", true},       {"arm", "", true},   {"depth", ""},

                   {"status", "", true},     {"step", "ms"},      {"interval", "%"},
                   {"cold step", "ms"},      {"repeats", ""},     {"peak", "MB"},
                   {"beyond weights", "MB"}, {"reach", "layers"}, {"gradient error", ""}};
  for (const auto& row : run.ep)
    table.rows.push_back({row.case_id, row.arm, count(row.depth), row.status,
                          number(1000 * row.step_seconds), fixed(interval_percent(row), 1),
                          number(1000 * row.cold_step_seconds), count(row.repeats),
                          megabytes(row.peak_bytes), megabytes(row.peak_beyond_weights_bytes),
                          count(row.reach), number(row.gradient_error)});
  return table;
}

} // namespace

std::vector<Table> detail_tables(const results::RunData& run) {
  std::vector<Table> tables;
  if (!run.eab.empty())
    tables.push_back(eab_cases(run));
  if (!run.ep.empty())
    tables.push_back(ep_cases(run));
  return tables;
}

} // namespace peakbench::report
