#include "aggregate/outputs.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/error.h"

namespace peakbench::aggregate {

namespace fs = std::filesystem;
using report::Format;

std::vector<Output> outputs_of(const Options& options, const results::RunData& run,
                               const std::vector<report::Table>& tables) {
  // One table for programs has plain headings and no title; rows of one kind are such a table.
  const bool query = is_query(options), lists = only_lists_columns(options);
  const bool of_kind = !query && !lists && options.rows != "tables" && options.rows != "all";
  const std::vector<report::Table> shown =
      of_kind ? std::vector{report::query_table(run, query_of(options))} : tables;
  std::vector<Output> outputs;
  if (!options.csv.empty())
    outputs.push_back({options.csv, of_kind ? report::rows_csv(run, options.rows)
                                    : query ? report::plain_csv(shown.front())
                                            : render(shown, Format::csv)});
  if (!options.json.empty())
    outputs.push_back({options.json, options.rows == "all" && !lists
                                         ? report::rows_json(run)
                                         : render(shown, Format::json)});
  if (!options.markdown.empty())
    outputs.push_back({options.markdown, render(shown, Format::markdown)});
  return outputs;
}

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

} // namespace peakbench::aggregate
