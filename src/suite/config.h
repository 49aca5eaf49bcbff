// The YAML configuration, read strictly (config.md). The values here are the defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ep/settings.h"
#include "measure/trial.h"

namespace peakbench::suite {

// One of the three.
struct PromptSource {
  std::string file;                          // jsonl or csv
  std::vector<std::string> texts;            // {text: [...]}
  std::vector<std::int64_t> generate_tokens; // {generate: {tokens: [...], count: n}}
  std::int64_t generate_count = 1;
};

// Every vector is an axis.
struct EabConfig {
  std::vector<std::string> model{"models/SmolLM2-135M-Instruct.Q4_1.gguf"};
  std::vector<std::string> dtype{"bfloat16"};
  PromptSource prompts{"configs/prompts/quick.jsonl", {}, {}, 1};
  std::vector<std::string> prompt_format{"chat"};
  std::vector<std::string> arms{"naive", "naive_batched", "prefill_once", "original", "cow"};
  std::vector<std::string> decode{"per_path", "batched"};
  std::vector<std::string> budget{"strict"};
  std::vector<std::int64_t> prompts_per_step{1};
  std::vector<std::int64_t> max_new_tokens{50}, branch_factor{3}, max_paths{20}, top_k{0};
  std::vector<double> threshold{0.2}, temperature{0.8}, top_p{1.0}, min_prob{0.0};
  std::vector<std::int64_t> schedule; // branching: {schedule: [...]}; empty: by entropy
  std::string cuda_graphs = "auto";   // no axis: the results are the same
};

// A training run of every EP case; none where `dataset` is empty.
struct EpTraining {
  std::string dataset; // a folder with IDX files, or "fashion-mnist": where Debian's package put it
  std::int64_t steps = 300, evaluate_every = 50, test_rows = 2000;
};

struct EpConfig {
  std::vector<std::string> arms{"backprop", "truncated_backprop", "ep_autograd", "ep_analytic",
                                "ep_fused"};
  std::vector<std::string> loss{"cross_entropy"}, init{"torch"}, optimizer{"muon"},
      profile{"clean"}, dtype{"float32"}, nudge{"one_sided"};
  std::vector<std::int64_t> depths{10, 50, 100, 200, 500}, width{128}, batch{32}, steps{30};
  std::vector<double> rate{0.15}, momentum{0.5}, beta{0.5}, learning_rate{0.02}, tolerance{0};
  std::vector<std::int64_t> adaptive{0};
  // No axes: what is looked at beside the timed steps.
  std::vector<std::int64_t> analysis_depths; // components, operations and criteria at these depths
  EpTraining training;
};

// Collectives between the first `ranks` ranks, measured by all of them together.
struct CommConfig {
  std::vector<std::string> operation{"all_gather", "all_reduce", "broadcast", "reduce"};
  std::vector<std::string> backend{"auto"};
  // Of the whole result (all_gather), else of one rank's buffer.
  std::vector<std::int64_t> bytes{8, 1024, 65536, 1 << 20, 16 << 20};
  std::vector<std::int64_t> ranks; // none: those of the run
};

// How fast ranks work off the configuration's own cases, which are then not recorded.
struct ScalingConfig {
  std::vector<std::string> mode{"strong", "weak"};
  std::vector<std::string> share{"dynamic"};
  std::vector<std::int64_t> ranks; // none: 1, 2, 4, ... and those of the run
};

// How ranks work together; nothing here changes what a case measures.
struct ClusterConfig {
  std::string share = "auto";   // static | dynamic
  std::string gather = "auto";  // mpi | nccl
  std::string isolate = "auto"; // process | none
  int threads = 0;              // per rank; 0: the cores divided by the local ranks
  double grace_seconds = 30;    // for a case to come to its end after a signal, or its time limit
  double lost_after_seconds = 120; // without a sign of life of a rank
};

struct Config {
  std::string name;
  std::string path, yaml; // where from, and the text as read (overrides applied separately)
  std::vector<std::string> overrides;
  std::vector<std::int64_t> seed{42};
  measure::TrialPlan repeats;
  double case_time_limit_seconds = 600;
  std::optional<EabConfig> eab;
  std::optional<EpConfig> ep;
  std::optional<CommConfig> comm;
  std::optional<ScalingConfig> scaling; // with it, `eab` and `ep` are the work to be shared
  std::string device = "auto";
  bool timeline =
      false; // one repeat more, with memory recorded over time; no axis, not in the plan
  ClusterConfig cluster;
};

// `overrides`: "a.b=value", YAML on the right. UserError with file, line and column.
Config read_config(const std::string& path, const std::vector<std::string>& overrides);
// The same from a text already read; `path` is for messages and relative paths.
Config parse_config(const std::string& text, const std::string& path,
                    const std::vector<std::string>& overrides);
// The whole file. UserError if it cannot be read.
std::string read_text_file(const std::string& path, const std::string& what);
// Where a path in the configuration leads: as it stands, or else from the configuration's folder or
// the one above it.
std::string resolve(const std::string& path, const std::string& config_path);

} // namespace peakbench::suite
