// Estimates for sharing the work and for the time left; they never reach a result.
#include <algorithm>
#include <cmath>

#include "suite/plan.h"

namespace peakbench::suite {

namespace {

// How often a case's work is done, given what one time costs.
double runs_of(const measure::TrialPlan& repeats, double seconds) {
  const double fitting = repeats.time_limit_seconds / std::max(seconds, 1e-6);
  const double measured =
      std::clamp(fitting, static_cast<double>(repeats.min), static_cast<double>(repeats.max));
  return std::max(1, repeats.warm_up) + measured;
}

double parameters(const llm::ModelConfig& model) {
  const auto real = [](std::int64_t value) { return static_cast<double>(value); };
  const double attention =
      real(model.width) * real(model.head_width) * real(2 * model.heads + 2 * model.kv_heads);
  const double mlp = 3.0 * real(model.width) * real(model.mlp_width);
  return real(model.layers) * (attention + mlp) + real(model.vocabulary) * real(model.width);
}

} // namespace

double estimated_seconds(const EabPlanned& planned, const llm::ModelConfig& model,
                         std::int64_t prompt_tokens, const measure::TrialPlan& repeats) {
  // A forward pass of n tokens reads the weights once and multiplies them n times; on the machines
  // this was fitted to one read costs about as much as the products of eight tokens.
  const double unit = parameters(model) / 8e10; // seconds per token
  const auto pass = [&](double tokens) { return unit * (8 + tokens); };
  const eab::Settings& settings = planned.settings;
  const auto paths = static_cast<double>(settings.max_paths);
  const auto steps = static_cast<double>(settings.max_new_tokens);
  const double prefills =
      eab::branches(settings.arm) || settings.arm == eab::Arm::prefill_once ? 1.0 : paths;
  const double prefill = prefills * pass(static_cast<double>(prompt_tokens));
  const double decode =
      settings.decode == eab::Decode::batched ? steps * pass(paths) : steps * paths * pass(1);
  return (prefill + decode) * runs_of(repeats, prefill + decode);
}

double estimated_seconds(const EpPlanned& planned, const measure::TrialPlan& repeats) {
  const ep::Settings& settings = planned.settings;
  // Seconds per layer of one forward pass: [batch, width] x [width, width].
  const double layer = 1.4e-5 * std::max(0.1, static_cast<double>(settings.width * settings.width) /
                                                  16384 * static_cast<double>(settings.batch) / 32);
  const auto depth = static_cast<double>(settings.depth),
             steps = static_cast<double>(settings.steps);
  const double settle_by_autograd = 18 * layer * depth * steps;
  double step = 0;
  switch (settings.arm) {
  case ep::Arm::backprop:
  case ep::Arm::backprop_streamed:
    step = 10 * layer * depth;
    break;
  case ep::Arm::backprop_checkpoint:
    step = 12 * layer * depth;
    break;
  case ep::Arm::truncated_backprop:
    step = layer * (depth + 9 * std::min(depth, steps));
    break;
  case ep::Arm::ep_fused:
    step = layer * (depth + std::min(depth, steps) * steps / 2);
    break;
  case ep::Arm::ep_analytic:
  case ep::Arm::ep_batched:
    step = 4 * layer * depth * steps;
    break;
  case ep::Arm::ep_sweep:
  case ep::Arm::ep_sweep_checkpoint:
    step = 6 * layer * depth;
    break;
  case ep::Arm::ep_finite_difference:
    step = layer * depth * steps * static_cast<double>(settings.width * settings.batch);
    break;
  default:
    step = settle_by_autograd;
  }
  // A step of a training run has a forward pass for its loss.
  const double training =
      planned.dataset ? (step + layer * depth) * static_cast<double>(planned.record.training_steps)
                      : 0;
  // Beside the repeats, every case is inspected once against its reference arm.
  return step * runs_of(repeats, step) + settle_by_autograd + training;
}

} // namespace peakbench::suite
