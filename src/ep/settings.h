// What an EP case varies (ep.md).
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string_view>

namespace peakbench::ep {

enum class Arm {
  backprop,
  backprop_checkpoint,
  backprop_streamed,
  truncated_backprop,
  ep_autograd,
  ep_manual,
  ep_finite_difference,
  ep_analytic,
  ep_checkpoint,
  ep_batched,
  ep_sweep,
  ep_sweep_checkpoint,
  ep_fused,
};
inline constexpr std::string_view kArmNames[] = {
    "backprop",  "backprop_checkpoint",  "backprop_streamed", "truncated_backprop", "ep_autograd",
    "ep_manual", "ep_finite_difference", "ep_analytic",       "ep_checkpoint",      "ep_batched",
    "ep_sweep",  "ep_sweep_checkpoint",  "ep_fused"};
constexpr std::string_view name_of(Arm arm) { return kArmNames[static_cast<int>(arm)]; }
// One reverse sweep instead of T simultaneous steps: reaches every layer.
bool sweeps(Arm arm);

enum class Loss { mse, cross_entropy };
enum class Init { torch, orthogonal, he, residual };
enum class Optimizer { sgd, momentum, muon };
enum class Profile { compat, clean };
// one_sided: (nudged - free) / beta; symmetric: (nudged by +beta - nudged by -beta) / (2 beta).
enum class Nudge { one_sided, symmetric };
inline constexpr std::string_view kLossNames[] = {"mse", "cross_entropy"};
inline constexpr std::string_view kInitNames[] = {"torch", "orthogonal", "he", "residual"};
inline constexpr std::string_view kOptimizerNames[] = {"sgd", "momentum", "muon"};
inline constexpr std::string_view kProfileNames[] = {"compat", "clean"};
inline constexpr std::string_view kNudgeNames[] = {"one_sided", "symmetric"};

struct Settings {
  Arm arm = Arm::ep_fused;
  std::int64_t depth = 10, width = 128, batch = 32;
  std::int64_t input_width = 784, classes = 10;
  std::int64_t steps = 30; // T
  double rate = 0.15, momentum = 0.5, beta = 0.5;
  double temperature = 1, label_smoothing = 0.1; // of the cross-entropy output
  Loss loss = Loss::cross_entropy;
  Init init = Init::torch;
  Optimizer optimizer = Optimizer::muon;
  double learning_rate = 0.02, optimizer_momentum = 0.9;
  Profile profile = Profile::clean;
  Nudge nudge = Nudge::one_sided;
  // 0: always T steps. compat: a phase ends once the energy changed by less than this for five
  // steps in a row (published: 1e-4). clean: a row of the batch stops once no unit of it moves
  // further.
  double tolerance = 0;
  bool adaptive = false; // compat only: the published adaptive settling rate
  at::ScalarType dtype = at::kFloat;
  std::uint64_t seed = 42;
};

// False for back-propagation, whole or in parts.
bool is_equilibrium_propagation(Arm arm);
// UserError for what no arm can run: depth < 2, rate <= 0, ...
void validate(const Settings& settings);

} // namespace peakbench::ep
