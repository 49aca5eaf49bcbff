// peakbench-aggregate FILE...: the tables of one or more results files, as text, CSV, JSON or
// Markdown, pictures of them, and one file of many.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

#include "aggregate/inputs.h"
#include "aggregate/merging.h"
#include "aggregate/options.h"
#include "aggregate/outputs.h"
#include "aggregate/page.h"
#include "base/error.h"
#include "report/file_plots.h"
#include "report/merge.h"
#include "report/report.h"
#include "report/selections.h"

namespace peakbench::aggregate {
namespace {

namespace fs = std::filesystem;

// Writes the files, and the tables unless the standard output is one of them.
int show(const Options& options, const results::RunData& run,
         const std::vector<report::Table>& tables, const std::vector<Output>& outputs,
         const std::vector<fs::path>& pictures) {
  for (const Output& output : outputs)
    write(output);
  for (const Output& output : outputs)
    if (output.path == "-")
      return kExitOk;
  if (tables.empty())
    std::cout << "No cases in " << run.path << " yet.\n";
  else
    std::cout << render(tables, report::Format::text);
  if (!options.plots.empty())
    std::cout << '\n' << (pictures.empty() ? "No pictures: no case has what they show.\n" : "");
  for (const fs::path& picture : pictures)
    std::cout << "plot: " << picture.string() << '\n';
  if (!options.html.empty())
    std::cout << "\npage: " << options.html << '\n';
  flush_standard_output();
  return kExitOk;
}

// Than one file of many.
bool asks_for_more(const Options& options) {
  const bool outputs =
      !(options.csv + options.json + options.markdown + options.html + options.plots).empty();
  return outputs || options.detail || options.comparing.asked() || is_query(options);
}

int aggregate(Options options, const std::string& command_line) {
  name_standard_output(options);
  check(options);
  if (only_lists_columns(options)) {
    const std::vector<report::Table> columns = listed_columns(options);
    return show(options, {}, columns, outputs_of(options, {}, columns), {});
  }
  options.files = files_of(options);
  keep_inputs(options, options.files, baseline_files(options));
  std::size_t unreadable = 0;
  if (!options.to.empty()) {
    unreadable = merge_into_file(options, command_line);
    if (!asks_for_more(options))
      return unreadable > 0 ? kExitUserError : kExitOk;
    options.files = {options.to};
  }
  auto [runs, unreadable_now] = load_readable(options);
  unreadable += unreadable_now;
  // A merged file holds the rows that were chosen, and says so itself.
  const std::optional<report::Table> chosen =
      options.to.empty() ? choose_rows(options, runs) : std::nullopt;
  std::vector<fs::path> pictures;
  if (!options.plots.empty())
    pictures =
        report::save_all(report::plots_of(runs, options.plot_case), options.plots, options.force);
  const PageParts parts = page_parts(options, runs);
  report::Merged merged = report::merge(std::move(runs));
  int status = unreadable > 0 ? kExitUserError : kExitOk;
  std::vector<report::Table> tables;
  std::optional<report::Comparison> comparison;
  if (options.comparing.asked()) {
    comparison = compare_with_baseline(options, merged.run);
    tables = report::comparison_tables(*comparison);
  } else if (is_query(options)) {
    tables = {report::query_table(merged.run, query_of(options))};
  } else {
    tables = report::tables_of(merged.run, options.detail);
    tables.insert(tables.end(), merged.duplicates.begin(), merged.duplicates.end());
  }
  if (comparison || is_query(options))
    report::add_selections(merged.run, tables);
  if (chosen) {
    report::mark_as_selection(tables);
    tables.push_back(*chosen);
  }
  std::vector<Output> outputs = outputs_of(options, merged.run, tables);
  if (!options.html.empty())
    outputs.push_back(page_of(options, parts, merged.run, tables, command_line));
  status = std::max(status, show(options, merged.run, tables, outputs, pictures));
  if (merged.repeated > 0)
    std::cerr << merged.repeated << " rows are equal in everything to others and count once\n";
  if (unreadable_now > 0)
    std::cerr << count_of_readable("read", options.files.size(), unreadable_now) << '\n';
  if (comparison)
    status = std::max(status, status_of(*comparison));
  return status;
}

} // namespace
} // namespace peakbench::aggregate

int main(int argc, char** argv) {
  using namespace peakbench;
  aggregate::Options options;
  CLI::App app{
      "Tables of peakbench results files: EAB arms compared, EP memory and time versus depth, "
      "validity.",
      "peakbench-aggregate"};
  aggregate::add_options(app, options);
  try {
    app.parse(argc, argv);
    std::string command_line = "peakbench-aggregate";
    for (int i = 1; i < argc; ++i)
      command_line += " " + aggregate::shell_word(argv[i]);
    return aggregate::aggregate(options, command_line);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) // --help, --version
      return app.exit(error);
    std::cerr << "peakbench-aggregate: " << aggregate::message_of(app, error) << '\n';
    return kExitUserError;
  } catch (const Interrupted& error) {
    std::cerr << "peakbench-aggregate: " << error.what() << '\n';
    return kExitInterrupted;
  } catch (const std::exception& error) {
    std::cerr << "peakbench-aggregate: " << error.what() << '\n';
    return kExitUserError;
  }
}
