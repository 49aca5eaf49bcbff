// One EP case: a network, a batch and one arm's training step.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "base/deadline.h"
#include "ep/settings.h"
#include "ep/stages.h"

namespace peakbench::ep {

// Of one inspected step, computed outside the clock and the memory scope.
struct Inspection {
  double loss = 0;        // C / B at the forward pass
  std::int64_t reach = 0; // layers that received a non-zero gradient
  // Relative distance of the arm's gradient to autograd in float64 from the same weights
  // (ep_autograd for EP arms, back-propagation for the others): max of |g - g_ref| / |g_ref| over
  // the layers in reach that the arm's arithmetic can resolve. For the reference arms themselves it
  // is what the case's dtype costs.
  double gradient_error = 0;
  // How many layers that maximum was taken over. Arms that hold states themselves (ep_autograd,
  // ep_manual, ep_analytic) round the deep layers' signal away in float32: a layer whose reference
  // gradient is not 1000 times above that rounding is in reach but not resolved. The delta form of
  // ep_fused does not; there it is the float64 reference that loses the signal, some layers deeper.
  // Of back-propagation's layers only those that underflow are left out.
  std::int64_t resolved = 0;
  // Rows of the batch that gradient_error leaves out, because rounding put one of their states on
  // the other side of relu's kink than float64 (kinks.h).
  std::int64_t kink_rows = 0;
  std::vector<double>
      energy; // E per settling step of the nudged phase, [steps + 1]; empty for back-propagation
  std::vector<double> gradient_norm; // per layer, [depth]
  // To the gradient of back-propagation in float64: of all layers together, and per layer (NaN
  // where either is zero).
  double cosine = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> cosine_to_backprop; // [depth]
  // The last two once more, as they were computed: [2, depth] float64, still on the device.
  at::Tensor layers;
  std::int64_t settled_steps = -1; // of the nudged phase; -1 for back-propagation
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
  // A hash of all weights' bytes: tells whether two experiments stand at the same point.
  std::uint64_t weights_fingerprint() const;
  // One training step: phases, gradients, optimizer. What the clock and the memory scope see.
  // Throws Diverged (naming the settling step and the layer), TimedOut; the weights are then as
  // they were before the step. (The sweeps change weights on their way: errors that overflow below
  // the output are told after, when the layers above are changed. reset() puts all back.)
  // `stages`, where there is one, is told which part of the step begins and ends.
  void step(const Deadline& deadline, StageWatch* stages = nullptr);
  // Puts weights and optimizer back to their initial values, so that repeats do the same work.
  void reset();
  // Of a step from the initial weights, on a network drawn for the purpose: changes nothing here.
  Inspection inspect(const Deadline& deadline);

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace peakbench::ep
