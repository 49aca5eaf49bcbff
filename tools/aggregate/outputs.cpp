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
  const bool as_tables = options.rows == "tables";
  std::vector<Output> outputs;
  if (!options.csv.empty())
    outputs.push_back({options.csv, as_tables ? render(tables, Format::csv)
                                              : report::rows_csv(run, options.rows)});
  if (!options.json.empty())
    outputs.push_back(
        {options.json, as_tables ? render(tables, Format::json) : report::rows_json(run)});
  if (!options.markdown.empty())
    outputs.push_back({options.markdown, render(tables, Format::markdown)});
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
