#include "aggregate/options.h"

#include <CLI/CLI.hpp>

#include <filesystem>

#include "base/error.h"
#include "report/plot.h"

namespace peakbench::aggregate {

namespace fs = std::filesystem;

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

Exit status: 0, or 2 if a file cannot be read or written or an option is wrong.
Reading the files with Python or HDF5 tools: tools/README.md.)";

} // namespace

void add_options(CLI::App& app, Options& options) {
  app.footer(kFooter);
  app.add_option("FILE", options.files, "results files (HDF5) that `peakbench run` wrote")
      ->required();
  app.add_option("--to", options.to,
                 "merge the files into this new results file; tables only if asked for as well");
  app.add_option("--csv", options.csv, "write CSV to this file, - for the standard output");
  app.add_option("--json", options.json, "write JSON to this file, - for the standard output");
  app.add_option("--markdown", options.markdown,
                 "write Markdown to this file, - for the standard output");
  app.add_option("--html", options.html,
                 "write one self-contained page to this file: tables, pictures, every case");
  app.add_option("--rows", options.rows,
                 "what CSV and JSON hold: the tables, or rows with all columns in full precision")
      ->check(CLI::IsMember({"tables", "eab", "ep", "comm", "scaling", "eab-samples", "ep-samples",
                             "comm-samples", "scaling-samples", "ranks", "all"}))
      ->capture_default_str();
  app.add_option("--plots", options.plots,
                 "draw pictures into this folder, as SVG and PNG (needs gnuplot)");
  app.add_option("--plot-case", options.plot_case,
                 "id of the EAB case whose entropies and token tree are drawn (default: the first "
                 "cow, batched)");
  app.add_flag("--detail", options.detail, "add tables with every case");
  app.add_flag("--force", options.force, "overwrite output files and pictures that exist");
}

void check(const Options& options) {
  const bool as_tables = options.rows == "tables";
  int on_standard_output = 0;
  for (const std::string* path : {&options.csv, &options.json, &options.markdown, &options.html})
    on_standard_output += *path == "-";
  if (on_standard_output > 1)
    throw UserError("two formats cannot both go to the standard output", "",
                    "Give all but one of them a file name.");
  if (!as_tables && options.csv.empty() && options.json.empty())
    throw UserError("--rows " + options.rows + " changes nothing",
                    "rows are written as CSV or JSON", "Add --csv PATH or --json PATH.");
  if (!as_tables && !options.markdown.empty())
    throw UserError("--rows " + options.rows + " cannot be written as Markdown", "", "Use --csv.");
  if (options.rows == "all" && !options.csv.empty())
    throw UserError("--rows all cannot be written as CSV", "the kinds have different columns",
                    "Name one kind, or use --json.");
  if (!as_tables && options.rows != "all" && !options.json.empty())
    throw UserError("--rows " + options.rows + " cannot be written as JSON",
                    "JSON holds every kind at once", "Use --rows all.");
  if (options.plots.empty() && options.html.empty() && !options.plot_case.empty())
    throw UserError("--plot-case changes nothing", "no pictures are drawn",
                    "Add --plots DIR or --html FILE.");
  if (!options.plots.empty())
    report::require_gnuplot();
  for (const std::string* path : {&options.csv, &options.json, &options.markdown, &options.html})
    if (!options.force && *path != "-" && fs::is_regular_file(*path))
      throw UserError("output file " + *path + " already exists", "nothing is overwritten",
                      "Add --force, or choose another name.");
}

} // namespace peakbench::aggregate
