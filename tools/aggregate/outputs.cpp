#include "aggregate/outputs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

#include "base/error.h"

namespace peakbench::aggregate {

namespace fs = std::filesystem;
using report::Format;

namespace {

struct NamedPath {
  const char* option;
  const std::string& path;
};

std::vector<NamedPath> texts_of(const Options& options) {
  std::vector<NamedPath> named;
  for (const NamedPath& one : {NamedPath{"--csv", options.csv},
                               {"--json", options.json},
                               {"--markdown", options.markdown},
                               {"--html", options.html}})
    if (!one.path.empty())
      named.push_back(one);
  return named;
}

// A device or a pipe may be named twice.
bool is_one_file(const std::string& one, const std::string& other) {
  std::error_code ignored;
  if (fs::exists(one, ignored) && fs::exists(other, ignored))
    return fs::is_regular_file(one) && fs::is_regular_file(other) && fs::equivalent(one, other);
  return fs::weakly_canonical(fs::absolute(one)) == fs::weakly_canonical(fs::absolute(other));
}

} // namespace

void name_standard_output(Options& options) {
  for (std::string* path : {&options.csv, &options.json, &options.markdown, &options.html})
    if (*path == "/dev/stdout" || *path == "/dev/fd/1" || *path == "/proc/self/fd/1")
      *path = "-";
}

void check_outputs(const Options& options) {
  if (options.to == "-")
    throw UserError("--to - names no file", "a results file cannot go to the standard output", "");
  std::vector<NamedPath> named = texts_of(options);
  if (std::ranges::count_if(named, [](const NamedPath& one) { return one.path == "-"; }) > 1)
    throw UserError("two formats cannot both go to the standard output", "",
                    "Give all but one of them a file name.");
  for (const NamedPath& one : named)
    if (!options.force && one.path != "-" && fs::is_regular_file(one.path))
      throw UserError("output file " + one.path + " already exists", "nothing is overwritten",
                      "Add --force, or choose another name.");
  if (!options.to.empty())
    named.push_back({"--to", options.to});
  for (std::size_t i = 0; i < named.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (named[i].path != "-" && is_one_file(named[i].path, named[j].path))
        throw UserError(std::string(named[j].option) + " and " + named[i].option +
                            " are the same file " + named[i].path,
                        "one would take the place of the other", "Give each a name of its own.");
}

void keep_inputs(const Options& options, const std::vector<std::string>& files,
                 const std::vector<std::string>& baselines) {
  const auto is_among = [](const std::string& path, const std::vector<std::string>& read) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) &&
           std::ranges::any_of(
               read, [&](const std::string& file) { return fs::equivalent(path, file, ignored); });
  };
  std::vector<NamedPath> named = texts_of(options);
  const std::size_t texts = named.size();
  if (!options.to.empty())
    named.push_back({"--to", options.to});
  for (std::size_t index = 0; index < named.size(); ++index)
    if (is_among(named[index].path, baselines) ||
        (index < texts && is_among(named[index].path, files)))
      throw UserError(std::string(named[index].option) + " " + named[index].path +
                          " would take the place of a results file that is read",
                      "", "Choose another name.");
  const bool goes_on = options.inputs.keep_going;
  if ((goes_on || !options.selection.where.empty()) && is_among(options.to, files))
    throw UserError("--to " + options.to + " is one of the files that are read",
                    std::string("what ") + (goes_on ? "--keep-going" : "--where") +
                        " leaves out of it would be lost",
                    "Choose another name.");
}

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

namespace {

// What a link points to: a new file that is renamed would take the link's place.
fs::path resolved(const std::string& path) {
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  return error ? fs::path(path) : target;
}

[[noreturn]] void cannot_write(const std::string& what, const std::string& why) {
  throw UserError("cannot write " + what, why, "");
}

} // namespace

void write(const Output& output) {
  errno = 0;
  if (output.path == "-") {
    std::cout << output.text;
    return flush_standard_output();
  }
  const bool is_special = fs::exists(output.path) && !fs::is_regular_file(output.path);
  const fs::path path = is_special ? fs::path(output.path) : resolved(output.path);
  const fs::path target = is_special ? path : fs::path(path.string() + ".part");
  std::ofstream file(target, std::ios::binary);
  const bool opened = file.is_open();
  file << output.text << std::flush;
  std::error_code error, ignored;
  if (!file)
    error.assign(errno, std::generic_category());
  else if (!is_special)
    fs::rename(target, path, error);
  if (error && opened && !is_special)
    fs::remove(target, ignored);
  if (error)
    cannot_write(output.path, error.message());
}

void flush_standard_output() {
  if (!std::cout.flush())
    cannot_write("to the standard output", std::strerror(errno));
}

} // namespace peakbench::aggregate
