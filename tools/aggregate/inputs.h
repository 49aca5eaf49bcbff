// The results files that were named: files, folders, patterns, lists.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"
#include "results/store.h"

namespace CLI {
class App;
}

namespace peakbench::aggregate {

struct Options;

struct Inputs {
  std::string files_from; // a list of further names, - for the standard input
  bool keep_going = false;
};

void add_input_options(CLI::App& app, Inputs& inputs);

// Every file that FILE and --files-from mean, in their order; those of a folder and of a pattern by
// name. What a run or a merge leaves beside its file (.part, .lock, .spare, .former) is none, nor
// is the output of --to unless it is named itself. UserError for a folder or a pattern without
// files.
std::vector<std::string> files_of(const Options& options);

// In the order of their names, read in guarded processes. UserError naming the file and the reason.
std::vector<results::RunData> load_all(const Options& options);

// The same, but with --keep-going a file that cannot be read is told of and left out.
struct Readable {
  std::vector<results::RunData> runs;
  std::size_t unreadable = 0;
};
Readable load_readable(const Options& options);

// "read 97 of 100 files; 3 could not be read"
std::string count_of_readable(const char* what_was_done, std::size_t files, std::size_t unreadable);
void tell_skipped(const UserError& error);
// The error of a file among several: one bad file of three hundred is more often left out than
// repaired.
UserError keep_going_hint(const UserError& error, std::size_t files);

} // namespace peakbench::aggregate
