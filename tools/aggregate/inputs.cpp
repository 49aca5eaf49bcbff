#include "aggregate/inputs.h"

#include <CLI/CLI.hpp>
#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "aggregate/options.h"
#include "aggregate/progress.h"
#include "results/guard.h"

namespace peakbench::aggregate {

namespace {

namespace fs = std::filesystem;

constexpr const char* kGroup = "Many files";

bool is_left_beside(const std::string& path) {
  return std::ranges::any_of(
      std::initializer_list<const char*>{".part", ".lock", ".spare", ".former"},
      [&](const char* ending) { return path.ends_with(ending); });
}

class Names {
public:
  explicit Names(const std::string& output) : output_(output) {}

  void add(const std::string& name) {
    std::error_code error;
    const fs::file_status status = fs::status(name, error);
    if (fs::is_directory(status))
      add_folder(name);
    else if (!fs::exists(status) && name.find_first_of("*?[") != std::string::npos)
      add_pattern(name);
    else if (is_left_beside(name)) // a shell's * means them too
      std::cerr << "peakbench-aggregate: left out " << name
                << " (a run or a merge keeps it beside its file)\n";
    else if (!fs::exists(status) && name.find_first_of("=<>~") != std::string::npos &&
             !name.ends_with(".h5"))
      throw UserError("no file " + name, std::strerror(ENOENT),
                      "Conditions are one option each, or one with commas: --where 'A,B'.");
    else
      files.push_back(name); // whatever it is: reading it will tell
  }

  std::vector<std::string> files;

private:
  void add_folder(const std::string& name) {
    std::vector<std::string> found;
    std::error_code error;
    for (fs::directory_iterator entry(name, error), end; !error && entry != end;
         entry.increment(error))
      if (entry->path().extension() == ".h5" && !entry->is_directory())
        found.push_back(entry->path().string());
    if (error)
      throw UserError("cannot read folder " + name, error.message(), "");
    add_sorted(std::move(found));
    if (found_none_)
      throw UserError("folder " + name + " holds no results file",
                      "results files in a folder are those called *.h5",
                      "Name the files, or a pattern.");
  }

  void add_pattern(const std::string& pattern) {
    glob_t matches{};
    const int result = glob(pattern.c_str(), GLOB_NOSORT, nullptr, &matches);
    std::vector<std::string> found;
    for (std::size_t index = 0; result == 0 && index < matches.gl_pathc; ++index)
      if (const std::string path = matches.gl_pathv[index]; !fs::is_directory(path))
        found.push_back(path);
    globfree(&matches);
    add_sorted(std::move(found));
    if (found_none_)
      throw UserError("no results file matches " + pattern, "",
                      "Look at the folder with ls; patterns know * ? and [...].");
  }

  void add_sorted(std::vector<std::string> found) {
    std::erase_if(found, [&](const std::string& path) {
      std::error_code ignored;
      return is_left_beside(path) || (!output_.empty() && fs::equivalent(path, output_, ignored));
    });
    std::ranges::sort(found);
    found_none_ = found.empty();
    files.insert(files.end(), found.begin(), found.end());
  }

  std::string output_;
  bool found_none_ = false;
};

// A name a line; or ended by NULs, as `find -print0` writes them.
std::vector<std::string> names_in(const std::string& list) {
  std::ifstream file;
  if (fs::is_directory(list)) // which opens, and then cannot be read
    throw UserError("cannot read --files-from " + list, std::strerror(EISDIR),
                    "Name it as a FILE: that means the results files in it.");
  if (list != "-")
    file.open(list, std::ios::binary);
  std::istream& stream = list == "-" ? std::cin : file;
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (list != "-" && (!file || file.bad()))
    throw UserError("cannot read --files-from " + list, std::strerror(errno), "");
  const char separator = text.find('\0') == std::string::npos ? '\n' : '\0';
  std::vector<std::string> names;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    std::string name = text.substr(start, end - start);
    if (separator == '\n' && name.ends_with('\r'))
      name.pop_back();
    if (!name.empty())
      names.push_back(std::move(name));
    start = end + 1;
  }
  return names;
}

// The whole of a file as rows.
class ToRun : public results::BlockSink {
public:
  explicit ToRun(results::RunData& run) : run_(run) {}
  void head(results::FileHead head) override { results::take_head(run_, std::move(head)); }
  void block(results::Block block) override { results::take_rows(run_, std::move(block)); }

private:
  results::RunData& run_;
};

} // namespace

UserError keep_going_hint(const UserError& error, std::size_t files) {
  return files > 1 ? UserError(std::string(error.what()) + " --keep-going leaves such files out.")
                   : error;
}

namespace {

Readable load_files(const std::vector<std::string>& paths, bool keep_going) {
  Readable all;
  Progress progress(std::cerr, "read", paths.size());
  results::GuardedFiles files(paths, false);
  for (std::size_t done = 0; !files.at_end();) {
    results::RunData run;
    run.path = files.path();
    ToRun to(run);
    try {
      files.read_next(to);
      all.runs.push_back(std::move(run));
    } catch (const results::HalfRead&) {
      throw;
    } catch (const UserError& error) {
      if (!keep_going)
        throw keep_going_hint(error, paths.size());
      ++all.unreadable;
      progress.end();
      tell_skipped(error);
    }
    progress.show(++done);
  }
  progress.end();
  if (all.runs.empty())
    throw UserError("none of the files could be read", "", "");
  return all;
}

} // namespace

void add_input_options(CLI::App& app, Inputs& inputs) {
  app.add_option("--files-from", inputs.files_from,
                 "further FILEs, a line each, from this list; - for the standard input")
      ->check(not_empty())
      ->type_name("LIST")
      ->group(kGroup);
  app.add_flag("--keep-going", inputs.keep_going,
               "leave out files that cannot be read, and exit with 2 in the end")
      ->group(kGroup);
}

std::vector<std::string> files_of(const Options& options) {
  Names names(options.to);
  for (const std::string& name : options.files)
    names.add(name);
  if (!options.inputs.files_from.empty())
    for (const std::string& name : names_in(options.inputs.files_from))
      names.add(name);
  if (names.files.empty())
    throw UserError("no results file is named", "", "peakbench-aggregate --help shows examples.");
  return names.files;
}

std::vector<results::RunData> load_all(const Options& options) {
  return load_files(files_of(options), false).runs;
}

Readable load_readable(const Options& options) {
  return load_files(options.files, options.inputs.keep_going);
}

std::string count_of_readable(const char* what_was_done, std::size_t files,
                              std::size_t unreadable) {
  return std::string(what_was_done) + " " + std::to_string(files - unreadable) + " of " +
         std::to_string(files) + " files; " + std::to_string(unreadable) + " could not be read";
}

void tell_skipped(const UserError& error) {
  std::cerr << "peakbench-aggregate: left out: " << error.what() << '\n';
}

} // namespace peakbench::aggregate
