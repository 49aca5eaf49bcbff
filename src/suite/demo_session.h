// Prompts measured one after the other, as `peakbench run` measures them, with a model that stays
// loaded between them.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "results/store.h"
#include "suite/demo_progress.h"
#include "suite/demo_settings.h"
#include "suite/eab_runner.h"

namespace peakbench::suite {

// One prompt's cases, in the order of the tables.
struct DemoResult {
  std::string prompt;
  Config config;
  results::RunData data;                 // as if read from a results file
  std::vector<results::EabTrace> traces; // of data.eab
};

class DemoSession {
public:
  DemoSession(const DemoSettings& settings, DemoProgress& progress);
  DemoSession(const DemoSession&) = delete;
  DemoSession& operator=(const DemoSession&) = delete;

  // UserError for what cannot run at all: the model, the prompt. Opens the model.
  void check(const DemoSettings& settings, const std::string& prompt);
  // `out`: a results file to be made, or empty. UserError for what cannot run at all, Interrupted
  // if the user ended it: what the file holds by then stays there.
  DemoResult run(const DemoSettings& settings, const std::string& prompt, const std::string& out,
                 const std::string& command_line);

private:
  void warm_up(const DemoSettings& settings, const std::string& prompt,
               const std::vector<PlannedModel>& models);
  results::EabRow measure(const EabPlanned& planned);
  void use(Plan plan, Config config);

  c10::Device device_;
  int threads_;
  DemoProgress& progress_;
  Config config_;
  Plan plan_;
  std::optional<EabRunner> runner_; // of the two
  std::set<std::string> warm_;      // arms, ways of decoding and types that have run
};

} // namespace peakbench::suite
