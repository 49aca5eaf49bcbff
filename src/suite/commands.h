// The subcommands, without their command-line parsing. Each returns an exit status (base/error.h)
// and throws UserError for what the user got wrong.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/session.h"
#include "results/resume_check.h"

namespace peakbench::suite {

struct RunOptions {
  std::string config;
  std::string out;  // empty: results/<name>.h5
  std::string only; // "" or the name of a kind (plan.h)
  std::vector<std::string> overrides;
  std::string part; // "i/n": only this part of the plan's cases; empty: all
  bool dry_run = false, retry_failed = false;
  std::string command_line;
};
// Collective. All ranks return the same status, and throw UserError together. `check` was made
// before the session.
int run_command(const cluster::Session& session, const RunOptions& options,
                results::ResumeCheck& check);

struct ListOptions {
  std::string config, only;
  std::vector<std::string> overrides;
};
int list_command(const ListOptions& options);

struct VerifyOptions {
  std::string what;                // memory, ep or eab; empty: all three
  std::string device = "auto";     // cpu or cuda; auto: for memory both, for the others the best
  std::string model;               // empty: the default model if it is there
  bool published_gradient = false; // in place of every EP arm's: must fail
};
int verify_command(const VerifyOptions& options);

struct ModelOptions {
  std::string file;
  std::optional<std::string> prompt;
  std::string format = "raw", dtype = "float32", device = "auto";
  int greedy = 0;
  bool json = false;
};
int model_command(const ModelOptions& options);

struct TokenizeOptions {
  std::string file;
  std::optional<std::string> text, jsonl;
  bool decode = false;
};
int tokenize_command(const TokenizeOptions& options);

} // namespace peakbench::suite
