// Runs EAB cases on one rank: keeps the model that the last case used, and what cases of one prompt
// can tell each other.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eab/generation.h"
#include "llm/model.h"
#include "measure/memory.h"
#include "results/records.h"
#include "suite/plan.h"

namespace peakbench::suite {

struct RunnerOptions {
  // Whether a branching case is held against `original`, path by path, where that has to be run
  // for the purpose. If not, only cases whose reference is among the cases run before are.
  bool make_references = true;
  std::function<bool()> stopped = {}; // asked once a step
};

class EabRunner {
public:
  // The plan and the configuration outlive the runner.
  EabRunner(const Plan& plan, const Config& config, c10::Device device, RunnerOptions options = {});
  // Goes on with another plan; a model that it shares with the former one stays loaded.
  void go_on_with(const Plan& plan, const Config& config);

  // Never throws for what a case can do wrong: the record says how it ended. Throws Interrupted.
  // Rank, host and device are the caller's to fill.
  results::EabRow run(const EabPlanned& planned);
  double load_seconds() const { return load_seconds_; }

private:
  // What the branching arms find out for cases of equal settings (all but arm and decode mode).
  struct Known {
    std::optional<eab::Trace> reference; // original, per_path
    std::optional<std::int64_t> samples; // how many cow, batched, draws
  };
  using Settings = eab::Settings;

  void load(const EabPlanned& planned);
  // `prompt`: into Plan::encoded.
  Known& known(std::size_t prompt, const Settings& settings);
  // `samples`: of each prompt, or empty.
  eab::JointGeneration generate(std::span<const std::size_t> prompts, const Settings& settings,
                                const std::vector<std::int64_t>& samples,
                                const Deadline& deadline) const;
  const eab::Trace& reference_trace(std::size_t prompt, const Settings& settings,
                                    const Deadline& deadline);
  std::int64_t sample_count(std::size_t prompt, const Settings& settings, const Deadline& deadline);
  void measure_case(const EabPlanned& planned, results::EabRow& row);
  void compare_with_reference(const EabPlanned& planned, const std::vector<eab::Trace>& first,
                              const std::vector<eab::Trace>& last, const Deadline& deadline,
                              results::EabCase& record);

  Deadline deadline() const { return Deadline(config_->case_time_limit_seconds, options_.stopped); }

  const Plan* plan_;
  const Config* config_;
  c10::Device device_;
  RunnerOptions options_;
  measure::DeviceMemory& memory_;
  std::optional<std::pair<std::shared_ptr<const llm::ModelSource>, at::ScalarType>> loaded_;
  std::unique_ptr<llm::Model> model_;
  std::shared_ptr<const llm::Tokenizer> tokenizer_;
  double load_seconds_ = 0;
  std::map<std::string, Known> known_; // of the loaded model
};

} // namespace peakbench::suite
