// Writes the pages that the browser tests open, and what they must show, into a folder.
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "report/html_pages.h"
#include "report/traces.h"

namespace {

using namespace peakbench;
using namespace peakbench::report;
namespace fs = std::filesystem;

constexpr int kManyRows = 100'000;

void write(const fs::path& path, const std::string& text) {
  if (!(std::ofstream(path, std::ios::binary) << text << std::flush))
    throw std::runtime_error("cannot write " + path.string());
}

// Cells as they are: what a browser must show.
std::string cells_json(const std::vector<Table>& tables) {
  auto list = nlohmann::json::array();
  for (const Table& table : tables)
    list.push_back({{"title", table.title}, {"rows", table.rows}, {"validity", table.validity}});
  return list.dump();
}

// Figures of every kind that has its own way of being written.
results::RunData odd_run() {
  results::RunData run = report::testing::hostile_run();
  const double figures[] = {1e-7,    0.1 + 0.2, 1e16,  123456789012345680.0,
                            1.0 / 3, 5e-324,    1e300, 0.0001,
                            0.00009, 1e15,      2,     std::numeric_limits<double>::infinity()};
  std::size_t next = 0;
  for (results::EpCase& row : run.ep) {
    row.step_seconds = figures[next++ % std::size(figures)];
    row.gradient_error = -figures[next % std::size(figures)];
  }
  run.ep[3].step_seconds = results::kAbsentReal;
  run.ep[4].seed = std::numeric_limits<std::int64_t>::max();
  run.eab[3].prompt_id = "with, comma \"and\" quotes\nand lines";
  return run;
}

results::RunData long_run() {
  results::RunData run;
  run.path = "many.h5";
  for (int number = 0; number < kManyRows; ++number) {
    results::EpCase row = report::testing::ep_case(
        number % 2 ? "ep_fused" : "backprop", number % 997,
        1e-3 * static_cast<double>(number * 7919L % 100003), 4'000'000 + number);
    row.case_id = "case-" + std::to_string(number);
    run.ep.push_back(row);
  }
  return run;
}

void write_pages(const fs::path& folder) {
  const results::RunData run = odd_run();
  std::vector<Table> tables = tables_of(run, true);
  tables[0].validity = "VALID: every case";
  tables[1].validity = "INVALID: a check failed; run it again";
  std::vector<NamedPlot> plots = eab_plots(run.eab);
  const results::EabCase traced = report::testing::traced_case();
  const results::EabTrace trace = report::testing::example_trace();
  plots.push_back({"eab-tree", tree_plot({traced, trace, report::testing::kHostile})});
  write(folder / "page.html", report::testing::page_of(run, tables, plots));
  write(folder / "tables.json", cells_json(tables));
  write(folder / "eab.csv", rows_csv(run, "eab"));
  write(folder / "ep.csv", rows_csv(run, "ep"));
  write(folder / "many.html", report::testing::page_of(long_run(), {}));
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: browser_pages FOLDER\n";
    return 2;
  }
  write_pages(argv[1]);
}
