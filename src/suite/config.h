// The YAML configuration, read strictly (config.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ep/settings.h"
#include "measure/trial.h"

namespace peakbench::suite {

struct PromptSource {
  std::string file;                  // jsonl
  std::vector<std::string> texts;    // {text: [...]}
  std::vector<std::int64_t> generate_tokens;  // {generate: {tokens: [...], count: n}}
  std::int64_t generate_count = 0;
};

// Every vector is an axis.
struct EabConfig {
  std::vector<std::string> model, dtype, prompt_format, arms, decode, budget;
  PromptSource prompts;
  std::vector<std::int64_t> max_new_tokens, branch_factor, max_paths, top_k;
  std::vector<double> threshold, temperature, top_p, min_prob;
  std::vector<std::int64_t> schedule;  // branching: {schedule: [...]}
};

struct EpConfig {
  std::vector<std::string> arms, loss, init, optimizer, profile, dtype;
  std::vector<std::int64_t> depths, width, batch, steps;
  std::vector<double> rate, momentum, beta, learning_rate;
};

struct Config {
  std::string name;
  std::string path, yaml;  // where from, and the text as read (overrides applied separately)
  std::vector<std::string> overrides;
  std::vector<std::int64_t> seed;
  measure::TrialPlan repeats;
  double case_time_limit_seconds = 600;
  std::optional<EabConfig> eab;
  std::optional<EpConfig> ep;
  std::string share = "auto", gather = "auto", device = "auto";
};

// `overrides`: "a.b=value", YAML on the right. UserError with file, line and column.
Config read_config(const std::string& path, const std::vector<std::string>& overrides);

}  // namespace peakbench::suite
