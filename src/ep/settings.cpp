#include "ep/settings.h"

#include <fmt/format.h>

#include "base/error.h"

namespace peakbench::ep {

bool sweeps(Arm arm) { return arm == Arm::ep_sweep || arm == Arm::ep_sweep_checkpoint; }

bool is_equilibrium_propagation(Arm arm) {
  return arm != Arm::backprop && arm != Arm::backprop_checkpoint && arm != Arm::backprop_streamed &&
         arm != Arm::truncated_backprop;
}

namespace {

void require(bool holds, const char* what, double value, const char* why) {
  if (!holds)
    throw UserError(fmt::format("ep: {} is {}", what, value), why, "");
}

} // namespace

void validate(const Settings& settings) {
  require(settings.depth >= 2, "depth", static_cast<double>(settings.depth),
          "a network has at least a hidden and an output layer: 2 or more");
  require(settings.width >= 1, "width", static_cast<double>(settings.width), "at least 1");
  require(settings.batch >= 1, "batch", static_cast<double>(settings.batch), "at least 1");
  require(settings.input_width >= 1, "input_width", static_cast<double>(settings.input_width),
          "at least 1");
  require(settings.classes >= 2, "classes", static_cast<double>(settings.classes), "at least 2");
  require(settings.steps >= 1, "steps", static_cast<double>(settings.steps), "at least 1");
  require(settings.rate > 0, "rate", settings.rate, "settling needs a positive rate");
  require(settings.momentum >= 0 && settings.momentum < 1, "momentum", settings.momentum,
          "0 or more and below 1");
  require(settings.beta > 0, "beta", settings.beta, "the gradient is divided by it: above 0");
  require(settings.temperature > 0, "temperature", settings.temperature, "above 0");
  require(settings.label_smoothing >= 0 && settings.label_smoothing < 1, "label_smoothing",
          settings.label_smoothing, "0 or more and below 1");
  require(settings.learning_rate > 0, "learning_rate", settings.learning_rate, "above 0");
  require(settings.optimizer_momentum >= 0 && settings.optimizer_momentum < 1, "optimizer_momentum",
          settings.optimizer_momentum, "0 or more and below 1");
  require(settings.tolerance >= 0, "tolerance", settings.tolerance, "0 or more");
  if (settings.adaptive && settings.profile != Profile::compat)
    throw UserError("ep: adaptive cannot be 1 in profile clean",
                    "the adaptive settling rate is part of the published arithmetic",
                    "Choose profile compat.");
  if (settings.dtype != at::kFloat && settings.dtype != at::kDouble)
    throw UserError(fmt::format("ep: dtype {} cannot run", c10::toString(settings.dtype)),
                    "settling differences vanish in fewer bits",
                    "Choose float32 (or float64 as an oracle).");
}

} // namespace peakbench::ep
