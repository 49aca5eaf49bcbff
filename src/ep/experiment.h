// One EP case: a network, a batch and one arm's training step.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "base/deadline.h"
#include "ep/settings.h"

namespace peakbench::ep {

// Of one inspected step, computed outside the clock and the memory scope.
struct Inspection {
  double loss = 0;
  std::int64_t reach = 0;     // layers that received a non-zero gradient
  // Relative distance of the arm's gradient to the reference: ep_autograd (EP arms) or back-propagation,
  // over the layers in the arm's reach: max over layers of |g - g_ref| / |g_ref|, in the case's dtype
  // from the same weights. NaN for a reference arm itself.
  double gradient_error = 0;
  std::vector<double> energy;         // per settling step of the nudged phase, [steps + 1]; empty for back-propagation
  std::vector<double> gradient_norm;  // per layer, [depth]
};

class Experiment {
 public:
  // Draws weights (Tag::weights) and the batch from the seed; the same on every device and rank.
  // UserError for settings that no arm can run (depth < 2, ...).
  Experiment(const Settings& settings, at::Device device);
  ~Experiment();
  Experiment(Experiment&&) noexcept;
  Experiment& operator=(Experiment&&) noexcept;

  std::int64_t weights_bytes() const;
  // One training step: phases, gradients, optimizer. What the clock and the memory scope see.
  // Throws Diverged, TimedOut.
  void step(const Deadline& deadline);
  // Puts weights and optimizer back to their initial values, so that repeats do the same work.
  void reset();
  // From the initial weights; leaves them as they were.
  Inspection inspect(const Deadline& deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace peakbench::ep
