// Several results files as one: the files of an array job, of several machines, of several plans.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "results/guard.h"

namespace peakbench::results {

struct MergeInfo {
  std::string created, command_line; // of the merged file
};

// A case with different rows in several files. All of them are in the merged file.
struct MergeDuplicate {
  std::string kind, case_id; // kind: eab | ep | comm | scaling
  std::vector<std::string> files;
};

// Which cases are taken, with all that belongs to them.
struct MergeSelection {
  std::string conditions; // as a user gave them; they stand in /sources
  // A mark for each case: 0 is left out. The rows are cases of one kind, or no cases.
  std::function<std::vector<char>(const RunData& rows)> marks = {};
};

struct MergeSummary {
  std::int64_t cases = 0;      // rows of cases in the merged file
  std::int64_t repeated = 0;   // rows left out: one that is equal in everything is there already
  std::int64_t not_chosen = 0; // rows of cases left out by MergeOptions::selection
  std::int64_t plans = 0;      // different ones
  std::size_t unreadable = 0;  // inputs that were left out
  std::vector<MergeDuplicate> duplicates;
};

struct MergeOptions {
  // An input that cannot be read is left out, and told of here. Otherwise it ends the merge.
  std::function<void(const UserError&)> skipped = {};
  // Every some thousand rows, and after every input: how many are done. What it throws ends the
  // merge.
  std::function<void(std::size_t done)> progress = {};
  GuardLimits limits = {};
  MergeSelection selection = {}; // without marks: all cases
  // Without `skipped`: what is thrown of an input that cannot be read, for what the user may do.
  std::function<UserError(const UserError&)> refused = {};
};

// Writes the rows of all tables and the traces of all `inputs` into the new file `to`, which
// appears complete or not at all.
// - /sources gets a row per input, and the column `source` of every row says which it came from.
//   Inputs that are merged files themselves keep the sources of their rows.
// - Rows of /environment that are equal become one; the column `environment` follows.
//   Launches in /ranks are numbered anew.
// - A row of the same case that is equal in everything (a file named twice) is kept once. Other
//   rows of the same case are all kept; the first one's trace keeps the case's name, another one's
//   is called <case_id>.<source>.
// - Inputs of one plan give a file of that plan, which can be gone on with. With several, the
//   plan's hash is "several" and each one's configuration lies in /config/plans/<hash>.
// - With a selection, /sources says so in the rows of all inputs, and how many of their cases are
//   here; /ranks and /environment are whole. The plan stays: a run can go on with the file, and
//   does what was left out.
// Inputs are read in guarded processes (guard.h), two files ahead.
// Memory: some thousand rows, and some 100 bytes for each case; in each of two processes, what a
// file of up to 64 MiB needs.
// UserError: an input is missing, damaged, of another schema version or in other units; `to` exists
// (unless `overwrite`; of a link what it points to is overwritten), is no regular file, is being
// written to by a run, or cannot be written; no case is chosen.
MergeSummary merge_files(const std::vector<std::string>& inputs, const std::string& to,
                         const MergeInfo& info, bool overwrite, const MergeOptions& options = {});

// What lies beside `to` while it is written, and stays there if the process dies in merge_files.
std::vector<std::string> beside_merged(const std::string& to);

} // namespace peakbench::results
