// peakbench-aggregate FILE...: the tables of one or more results files, as text, CSV, JSON or
// Markdown, pictures of them, and one file of many.
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/error.h"
#include "report/file_plots.h"
#include "report/merge.h"
#include "report/report.h"
#include "results/merge.h"

namespace {

namespace fs = std::filesystem;
using peakbench::UserError;
using peakbench::report::Format;

constexpr const char* kFooter = R"(Examples:
  peakbench-aggregate results/quick.h5                        the tables that the run printed
  peakbench-aggregate results/*.h5 --markdown tables.md       several files together, text and Markdown
  peakbench-aggregate results/quick.h5 --csv -                the tables as CSV on the standard output
  peakbench-aggregate results/quick.h5 --rows ep --csv ep.csv every EP case with all its columns
  peakbench-aggregate results/quick.h5 --rows all --json -    every row of every table, with units
  peakbench-aggregate results/quick.h5 --plots results/plots  and pictures, each as SVG and PNG
  peakbench-aggregate results/sweep.*.h5 --to results/sweep.h5  the files of an array job as one file

Exit status: 0, or 2 if a file cannot be read or written or an option is wrong.
Reading the files with Python or HDF5 tools: tools/README.md.)";

struct Options {
  std::vector<std::string> files;
  std::string to, csv, json, markdown, rows = "tables", plots, plot_case;
  bool detail = false, force = false;
};

struct Output {
  std::string path, text;
};

std::vector<Output> outputs_of(const Options& options, const peakbench::results::RunData& run,
                               const std::vector<peakbench::report::Table>& tables) {
  const bool as_tables = options.rows == "tables";
  std::vector<Output> outputs;
  if (!options.csv.empty())
    outputs.push_back({options.csv, as_tables ? render(tables, Format::csv)
                                              : peakbench::report::rows_csv(run, options.rows)});
  if (!options.json.empty())
    outputs.push_back({options.json, as_tables ? render(tables, Format::json)
                                               : peakbench::report::rows_json(run)});
  if (!options.markdown.empty())
    outputs.push_back({options.markdown, render(tables, Format::markdown)});
  return outputs;
}

void check(const Options& options) {
  const bool as_tables = options.rows == "tables";
  int on_standard_output = 0;
  for (const std::string* path : {&options.csv, &options.json, &options.markdown})
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
  if (options.plots.empty() && !options.plot_case.empty())
    throw UserError("--plot-case changes nothing", "no pictures are drawn", "Add --plots DIR.");
  if (!options.plots.empty())
    peakbench::report::require_gnuplot();
  for (const std::string* path : {&options.csv, &options.json, &options.markdown})
    if (!options.force && *path != "-" && fs::is_regular_file(*path))
      throw UserError("output file " + *path + " already exists", "nothing is overwritten",
                      "Add --force, or choose another name.");
}

// A new file appears complete or not at all.
void write(const Output& output) {
  if (output.path == "-") {
    std::cout << output.text << std::flush;
    return;
  }
  const bool is_special = fs::exists(output.path) && !fs::is_regular_file(output.path);
  const std::string target = is_special ? output.path : output.path + ".part";
  errno = 0;
  std::ofstream file(target, std::ios::binary);
  file << output.text << std::flush;
  std::error_code error;
  if (file && !is_special)
    fs::rename(target, output.path, error);
  if (!file || error)
    throw UserError("cannot write " + output.path, error ? error.message() : std::strerror(errno),
                    "");
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

// One file of many; what a user should know of it goes to the standard error.
void merge_into_file(const Options& options, const std::string& command_line) {
  const auto summary = peakbench::results::merge_files(options.files, options.to,
                                                       {now_text(), command_line}, options.force);
  for (const auto& duplicate : summary.duplicates) {
    std::string files;
    for (const std::string& file : duplicate.files)
      files += (files.empty() ? "" : ", ") + file;
    std::cerr << "warning: " << duplicate.kind << " case " << duplicate.case_id
              << " has different rows in several files, and all are kept: " << files << '\n';
  }
  std::cerr << "merged " << options.files.size() << " files into " << options.to << ": "
            << summary.cases << " cases";
  if (summary.repeated > 0)
    std::cerr << ", " << summary.repeated << " named twice and kept once";
  if (!summary.duplicates.empty())
    std::cerr << ", " << summary.duplicates.size() << " with different rows";
  if (summary.plans > 1)
    std::cerr << ", of " << summary.plans << " plans";
  std::cerr << '\n';
}

int aggregate(Options options, const std::string& command_line) {
  check(options);
  if (!options.to.empty()) {
    merge_into_file(options, command_line);
    if (options.csv.empty() && options.json.empty() && options.markdown.empty() &&
        options.plots.empty() && !options.detail)
      return peakbench::kExitOk;
    options.files = {options.to};
  }
  std::vector<peakbench::results::RunData> runs;
  for (const std::string& file : options.files)
    runs.push_back(peakbench::results::load(file));
  std::vector<fs::path> pictures;
  if (!options.plots.empty())
    pictures = peakbench::report::save_all(peakbench::report::plots_of(runs, options.plot_case),
                                           options.plots, options.force);
  peakbench::report::Merged merged = peakbench::report::merge(std::move(runs));
  auto tables = peakbench::report::tables_of(merged.run, options.detail);
  tables.insert(tables.end(), merged.duplicates.begin(), merged.duplicates.end());

  const std::vector<Output> outputs = outputs_of(options, merged.run, tables);
  for (const Output& output : outputs)
    write(output);
  for (const Output& output : outputs)
    if (output.path == "-")
      return peakbench::kExitOk;
  if (tables.empty())
    std::cout << "No cases in " << merged.run.path << " yet.\n";
  else
    std::cout << render(tables, Format::text);
  if (!options.plots.empty())
    std::cout << '\n' << (pictures.empty() ? "No pictures: no case has what they show.\n" : "");
  for (const fs::path& picture : pictures)
    std::cout << "plot: " << picture.string() << '\n';
  return std::cout.flush() ? peakbench::kExitOk : peakbench::kExitUserError;
}

} // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Tables of peakbench results files: EAB arms compared, EP memory and time versus depth, "
      "validity.",
      "peakbench-aggregate"};
  app.footer(kFooter);
  app.add_option("FILE", options.files, "results files (HDF5) that `peakbench run` wrote")
      ->required();
  app.add_option("--to", options.to,
                 "merge the files into this new results file; tables only if asked for as well");
  app.add_option("--csv", options.csv, "write CSV to this file, - for the standard output");
  app.add_option("--json", options.json, "write JSON to this file, - for the standard output");
  app.add_option("--markdown", options.markdown,
                 "write Markdown to this file, - for the standard output");
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
  try {
    app.parse(argc, argv);
    std::string command_line = "peakbench-aggregate";
    for (int i = 1; i < argc; ++i)
      command_line += std::string(" ") + argv[i];
    return aggregate(options, command_line);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? peakbench::kExitOk : peakbench::kExitUserError;
  } catch (const std::exception& error) {
    std::cerr << "peakbench-aggregate: " << error.what() << '\n';
    return peakbench::kExitUserError;
  }
}
