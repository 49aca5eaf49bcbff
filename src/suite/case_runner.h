// Does cases of a plan on one rank, one after the other.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "suite/plan.h"

namespace peakbench::suite {

// Where a rank's cases run; part of every record.
struct Placement {
  int rank = 0;
  std::string host;
  c10::Device device{c10::kCPU};
  int threads = 1;
  std::int64_t environment = -1; // row of /environment
};

struct CaseResult {
  std::string message; // results::to_message
  // The part of the trace that is still where it was computed, on this process's device: float64
  // [n], for put_trace() (ep_runner.h); undefined where the message has all of it.
  at::Tensor trace;
};

class CaseRunner {
public:
  virtual ~CaseRunner() = default;
  // What a shared case came to, however it ended. `dropped` is asked now and then; nothing is
  // returned once it says yes. Throws only for what no later case could survive either.
  virtual std::optional<CaseResult> run(std::size_t index,
                                        const std::function<bool()>& dropped) = 0;
  // Waits until it can take the first case, or `dropped` says yes.
  virtual void prepare(const std::function<bool()>& /*dropped*/) {}
  virtual double load_seconds() const = 0; // of models, so far
  virtual std::int64_t restarts() const { return 0; }
};

// Whether a trace's device tensors are left on the device, beside the message.
enum class Traces { in_message, apart };

// In this process. Plan and configuration outlive the runner.
std::unique_ptr<CaseRunner> runner_here(const Plan& plan, const Config& config,
                                        const Placement& placement,
                                        Traces traces = Traces::in_message);
// In a process beside this one, whose end (a crash, a hang, the system's out-of-memory killer) is
// recorded with the case that caused it; then another one is started. `copies`: 0 for the
// configuration's own plan, else for that of workload_of(config, copies).
std::unique_ptr<CaseRunner> runner_beside(const Plan& plan, const Config& config,
                                          const Placement& placement, int copies = 0);
// Which of the two the configuration asks for.
bool runs_beside(const Config& config);

} // namespace peakbench::suite
