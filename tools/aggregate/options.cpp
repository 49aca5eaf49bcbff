#include "aggregate/options.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "aggregate/outputs.h"
#include "base/build_info.h"
#include "base/closest.h"
#include "base/error.h"
#include "report/kinds.h"
#include "report/plot.h"

namespace peakbench::aggregate {

namespace {

constexpr const char* kFooter = R"(Examples:
  peakbench-aggregate results/quick.h5                        the tables that the run printed
  peakbench-aggregate results/*.h5 --markdown tables.md       several files together, text and Markdown
  peakbench-aggregate results/quick.h5 --csv -                the tables as CSV on the standard output
  peakbench-aggregate results/quick.h5 --rows ep --csv ep.csv every EP case with all its columns
  peakbench-aggregate results/quick.h5 --rows all --json -    every row of every table, with units
  peakbench-aggregate results/quick.h5 --plots results/plots  and pictures, each as SVG and PNG
  peakbench-aggregate results/quick.h5 --html quick.html      everything as one page to open or send
  peakbench-aggregate results/sweep.*.h5 --to results/sweep.h5  the files of an array job as one file
  peakbench-aggregate results --to all.h5 --keep-going        every *.h5 of a folder but the damaged
  peakbench-aggregate 'jobs/*/run.h5' --to all.h5             a pattern, quoted: more than a command
                                                              line may hold
  find /data -name '*.h5' -newer mark | peakbench-aggregate --files-from -
  peakbench-aggregate results/quick.h5 --where 'arm=cow|naive,prompt_tokens>=200'
                                                              the tables of these cases alone
  peakbench-aggregate results/quick.h5 --columns arm,depth,step_seconds,'peak*' --sort -depth,arm
                                                              chosen columns of every case
  peakbench-aggregate results/quick.h5 --rows eab --group-by arm,decode
                                                              cases, median and interval per arm
  peakbench-aggregate new.h5 --compare old.h5                 faster, slower, same, or cannot tell
  peakbench-aggregate new.h5 --compare old.h5 --fail-on-regression 10
                                                              for CI: exit status 1 if worse by 10 %

Exit status: 0; 1 if --fail-on-regression found a regression; 2 if a file cannot be read or written
or an option is wrong (with --keep-going the other files are shown or merged all the same); 3 if
--to was interrupted.
Reading the files with Python or HDF5 tools: tools/README.md.)";

std::vector<std::string> row_choices() {
  std::vector<std::string> choices{"tables"};
  for (const report::Kind& kind : report::kinds())
    choices.emplace_back(kind.name);
  choices.emplace_back("all");
  return choices;
}

void check_rows(const std::string& rows) {
  const std::vector<std::string> choices = row_choices();
  if (std::ranges::find(choices, rows) != choices.end())
    return;
  const std::string guess = closest(rows, choices);
  throw UserError("--rows " + rows + " names no kind of rows",
                  guess.empty() ? "" : "did you mean " + guess + "?",
                  fmt::format("There are {}.", fmt::join(choices, ", ")));
}

} // namespace

void add_options(CLI::App& app, Options& options) {
  app.footer(kFooter);
  app.add_option(
         "FILE", options.files,
         "results files (HDF5) that `peakbench run` wrote; folders of them; quoted patterns")
      ->check(not_empty());
  app.add_option("--to", options.to,
                 "merge the files into this new results file; tables only if asked for as well")
      ->check(not_empty());
  app.add_option("--csv", options.csv, "write CSV to this file, - for the standard output")
      ->check(not_empty());
  app.add_option("--json", options.json, "write JSON to this file, - for the standard output")
      ->check(not_empty());
  app.add_option("--markdown", options.markdown,
                 "write Markdown to this file, - for the standard output")
      ->check(not_empty());
  app.add_option("--html", options.html,
                 "write one self-contained page to this file: tables, pictures, every case")
      ->check(not_empty());
  app.add_option("--rows", options.rows,
                 "what CSV and JSON hold: the tables, or rows with all columns in full precision")
      ->capture_default_str();
  app.add_option("--plots", options.plots,
                 "draw pictures into this folder, as SVG and PNG (needs gnuplot)")
      ->check(not_empty());
  app.add_option("--plot-case", options.plot_case,
                 "id of the EAB case whose entropies and token tree are drawn (default: the first "
                 "cow, batched)")
      ->check(not_empty());
  app.set_version_flag("--version",
                       fmt::format("peakbench-aggregate {} (revision {}, results schema {})",
                                   PEAKBENCH_VERSION, git_revision(), results::kSchemaVersion));
  add_input_options(app, options.inputs);
  add_selection_options(app, options.selection);
  add_comparing_options(app, options.comparing);
  app.add_flag("--detail", options.detail, "add tables with every case");
  app.add_flag("--force", options.force, "overwrite output files and pictures that exist");
}

CLI::Validator not_empty() {
  return {[](std::string& text) -> std::string {
            return text.empty() ? "the name is empty (an unset variable of the shell?)" : "";
          },
          ""};
}

CLI::Validator from_zero(bool whole) {
  return {[whole](std::string& text) -> std::string {
            char* end = nullptr;
            const double value = std::strtod(text.c_str(), &end);
            const bool number = !text.empty() && *end == '\0' && std::isfinite(value);
            if (number && value >= 0 && (!whole || value == std::floor(value)))
              return "";
            return fmt::format("{} is no {}number from 0 on", text, whole ? "whole " : "");
          },
          whole ? "NUMBER" : "PERCENT"};
}

std::string message_of(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options())
      for (const std::string& name : option->get_lnames())
        names.push_back("--" + name);
    for (const std::string& word : app.remaining())
      if (const std::string guess = closest(word.substr(0, word.find('=')), names); !guess.empty())
        return UserError("there is no option " + word, "did you mean " + guess + "?",
                         "--help lists them all.")
            .what();
  }
  return UserError(text, "", "--help shows how.").what();
}

void check(const Options& options) {
  const bool as_tables = options.rows == "tables";
  if (options.files.empty() && options.inputs.files_from.empty() && !only_lists_columns(options))
    throw UserError("no results file is named", "", "peakbench-aggregate --help shows examples.");
  if (only_lists_columns(options) && !(options.html.empty() && options.plots.empty()))
    throw UserError("--list-columns makes no page and no pictures", "",
                    "Use --csv, --json or --markdown.");
  check_rows(options.rows);
  check_selection(options);
  check_comparing(options);
  check_outputs(options);
  const bool somewhere = !(options.csv + options.json + options.markdown).empty();
  if (!as_tables && !somewhere && !is_query(options))
    throw UserError("--rows " + options.rows + " changes nothing",
                    "all columns of all rows are for files",
                    "Add --csv PATH or --json PATH, or choose --columns.");
  if (options.rows == "all" && !options.markdown.empty())
    throw UserError("--rows all cannot be written as Markdown", "the kinds have different columns",
                    "Name one kind, or use --json.");
  if (options.rows == "all" && !options.csv.empty())
    throw UserError("--rows all cannot be written as CSV", "the kinds have different columns",
                    "Name one kind, or use --json.");
  if (options.plots.empty() && options.html.empty() && !options.plot_case.empty())
    throw UserError("--plot-case changes nothing", "no pictures are drawn",
                    "Add --plots DIR or --html FILE.");
  if (!options.plots.empty())
    report::require_gnuplot();
}

} // namespace peakbench::aggregate
