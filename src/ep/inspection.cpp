#include "ep/inspection.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "ep/autograd.h"
#include "ep/energy.h"
#include "ep/kinks.h"
#include "ep/loss.h"
#include "ep/sweep.h"

namespace peakbench::ep {

namespace {

// How far above its own rounding a gradient must be for its relative error to be told, and how far
// above the float64 reference's: far enough for the reference not to be what is seen.
constexpr double kResolvable = 1e3, kBeyondReference = 1e6, kBeyondItself = 1e10;
// How flat the energy must be at what a sweep's reference takes for its minimum, relative to beta.
constexpr double kStationary = 1e-10;

Layer widen(const Layer& layer) {
  return {layer.weight.to(at::kDouble), layer.bias.to(at::kDouble)};
}

class Collector : public GradientSink {
public:
  explicit Collector(std::int64_t depth) : gradients_(static_cast<std::size_t>(depth)) {}
  void accept(std::int64_t layer, const at::Tensor& weight, const at::Tensor& bias) override {
    gradients_[static_cast<std::size_t>(layer)] = {weight, bias};
  }
  // Undefined tensors where no gradient was handed over.
  const std::vector<Layer>& gradients() const { return gradients_; }

private:
  std::vector<Layer> gradients_;
};

// [] float64, on the layers' device.
at::Tensor dot(const Layer& a, const Layer& b) {
  const auto product = [](const at::Tensor& x, const at::Tensor& y) {
    return (x.to(at::kDouble) * y.to(at::kDouble)).sum();
  };
  return product(a.weight, b.weight) + product(a.bias, b.bias);
}

at::Tensor norm_on_device(const Layer& layer, const at::TensorOptions& options) {
  return layer.weight.defined() ? dot(layer, layer).sqrt() : at::zeros({}, options);
}

double norm_of(const Layer& layer) {
  return layer.weight.defined() ? std::sqrt(dot(layer, layer).item<double>()) : 0;
}

// Float64, where the gradients are.
at::TensorOptions options_of(const std::vector<Layer>& gradients) {
  for (const Layer& layer : gradients)
    if (layer.weight.defined())
      return layer.weight.options().dtype(at::kDouble);
  return at::kDouble;
}

std::vector<double> on_host(const at::Tensor& values) {
  const at::Tensor host = values.cpu();
  return {host.const_data_ptr<double>(), host.const_data_ptr<double>() + host.numel()};
}

// One more row below what there is.
void add_row(at::Tensor& table, const at::Tensor& row) {
  table = table.defined() ? at::cat({table, row.unsqueeze(0)}) : row.unsqueeze(0);
}

double distance(const Layer& layer, const Layer& reference) {
  const auto square = [](const at::Tensor& a, const at::Tensor& b) {
    return (a.to(at::kDouble) - b).square().sum().item<double>();
  };
  return std::sqrt(square(layer.weight, reference.weight) + square(layer.bias, reference.bias));
}

double epsilon(at::ScalarType dtype) {
  return dtype == at::kFloat ? std::numeric_limits<float>::epsilon()
                             : std::numeric_limits<double>::epsilon();
}

double smallest(at::ScalarType dtype) {
  return dtype == at::kFloat ? std::numeric_limits<float>::min()
                             : std::numeric_limits<double>::min();
}

// The gradient of an arm that settles or back-propagates, by autograd on the network's end from
// layer `first` on, fed with the activation that enters it.
GradientSet autograd_reference(const Problem& problem, const Network& network, const Batch& batch,
                               std::int64_t first, Observer* observer) {
  Settings wide = problem.settings;
  wide.arm = is_equilibrium_propagation(wide.arm) ? Arm::ep_autograd : Arm::backprop;
  wide.depth = network.depth();
  wide.dtype = at::kDouble;
  Collector collector(wide.depth);
  run_arm({wide, network, batch, observer, problem.deadline}, collector);
  return {first, collector.gradients()};
}

// The gradient of a sweep: back-propagation, by autograd, of D(s, h_L) / beta with the output state
// s at the minimum of D + beta C (sweep.h). That it is the minimum is made sure of by autograd,
// too.
GradientSet sweep_reference(const Problem& problem, const Network& network, const Batch& batch) {
  const Settings& settings = problem.settings;
  const OutputLayer output(settings);
  std::vector<Layer> leaves;
  const Recording recording;
  at::Tensor prediction = batch.input;
  for (std::int64_t i = 0; i < network.depth(); ++i) {
    leaves.push_back(leaf(network.layer(i)));
    prediction = predict(leaves.back(), i == 0 ? prediction : activate(prediction));
  }
  const auto nudged = [&](double beta) {
    const at::Tensor fixed = prediction.detach();
    const at::Tensor state = leaf(fixed + output_displacement(settings, fixed, batch.target, beta));
    const at::Tensor total =
        output.divergence(state, fixed) + output.cost(state, batch.target) * beta;
    const double slope = gradients(total, {state})[0].abs().max().item<double>();
    if (!(slope <= kStationary * std::abs(beta)))
      throw Diverged(fmt::format("ep: no minimum of the energy in layer {} of {} (its slope is {}) "
                                 "Lower beta.",
                                 settings.depth, settings.depth, slope));
    return output.divergence(state.detach(), prediction);
  };
  const double rows = static_cast<double>(settings.batch), beta = settings.beta;
  const at::Tensor surrogate = settings.nudge == Nudge::symmetric
                                   ? (nudged(beta) - nudged(-beta)) / (2 * beta * rows)
                                   : nudged(beta) / (beta * rows);
  return {0, layer_gradients(surrogate, leaves)};
}

bool settles(const Settings& settings) {
  return is_equilibrium_propagation(settings.arm) && !sweeps(settings.arm);
}

// How well the states before settling carry a gradient, per layer (Reference::resolution).
std::vector<double> resolution_of(const Settings& settings, const Network& network,
                                  const at::Tensor& input) {
  // Rounding of states on the way to a gradient, relative to the states. The reference holds states
  // itself: its float64 loses the signal too, only deeper than float32.
  const bool single = settings.dtype == at::kFloat;
  double own = 0;
  if (settings.arm == Arm::ep_finite_difference)
    own = epsilon(at::kDouble) / kDifferenceStep * kResolvable;
  if (single && settings.arm != Arm::ep_fused)
    own = std::max(own, epsilon(at::kFloat) * kResolvable);
  const double rounding =
      std::max(own, epsilon(at::kDouble) * (single ? kBeyondReference : kBeyondItself));
  const double underflow = kResolvable * smallest(settings.dtype) / epsilon(settings.dtype);
  std::vector<double> resolution;
  at::Tensor activation = input;
  for (const Layer& layer : network.layers) {
    const at::Tensor state = predict(layer, activation);
    const double size = state.norm().item<double>() * activation.norm().item<double>() /
                        (settings.beta * static_cast<double>(settings.batch));
    resolution.push_back(settles(settings) ? std::max(underflow, size * rounding) : underflow);
    activation = activate(state);
  }
  return resolution;
}

Network widen(const Network& network, std::int64_t first) {
  Network wide;
  for (std::int64_t i = first; i < network.depth(); ++i)
    wide.layers.push_back(widen(network.layer(i)));
  return wide;
}

Batch widen(const Batch& batch) {
  return {batch.input.to(at::kDouble), batch.labels, batch.target.to(at::kDouble)};
}

} // namespace

std::int64_t first_compared_layer(const Settings& settings) {
  return settles(settings)
             ? std::clamp<std::int64_t>(first_settling_layer(settings) - 1, 0, settings.depth - 2)
             : 0;
}

// EP by settling moves the last T layers only (ep.md, fact 2), so the reference runs on these and
// one below: the same gradients as over all layers at a T-th of the price.
Reference reference_gradients(const Problem& problem, Observer* observer) {
  const Settings& settings = problem.settings;
  const std::int64_t first = first_compared_layer(settings);
  Batch batch = widen(problem.batch);
  for (std::int64_t i = 0; i < first; ++i)
    batch.input = predict(widen(problem.network.layer(i)), batch.input).relu_();
  const Network network = widen(problem.network, first);
  return {sweeps(settings.arm) ? sweep_reference(problem, network, batch)
                               : autograd_reference(problem, network, batch, first, observer),
          resolution_of(settings, network, batch.input)};
}

std::vector<Layer> backprop_gradients(const Problem& problem) {
  Settings wide = problem.settings;
  wide.arm = Arm::backprop;
  wide.dtype = at::kDouble;
  Collector collector(wide.depth);
  run_arm({wide, widen(problem.network, 0), widen(problem.batch), nullptr, problem.deadline},
          collector);
  return collector.gradients();
}

void compare_to_backprop(const std::vector<Layer>& gradients, const std::vector<Layer>& backprop,
                         Inspection& result) {
  const at::TensorOptions options = options_of(backprop);
  const at::Tensor nothing = at::full({}, std::numeric_limits<double>::quiet_NaN(), options);
  std::vector<at::Tensor> norms, expected_norms, cosines;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    norms.push_back(norm_on_device(gradients[i], options));
    expected_norms.push_back(norm_on_device(backprop[i], options));
    const at::Tensor &norm = norms.back(), &expected = expected_norms.back();
    at::Tensor cosine = nothing;
    if (gradients[i].weight.defined()) {
      // Scaled first: the product of two small norms underflows before their quotient does.
      const Layer own{gradients[i].weight.to(at::kDouble) / norm,
                      gradients[i].bias.to(at::kDouble) / norm};
      const at::Tensor product =
          dot(own, {backprop[i].weight / expected, backprop[i].bias / expected});
      cosine = at::where((norm > 0).logical_and(expected > 0), product, nothing);
    }
    cosines.push_back(cosine);
  }
  add_row(result.layers, at::stack(cosines));
  result.cosine_to_backprop = on_host(at::stack(cosines));
  const std::vector<double> own = on_host(at::stack(norms)),
                            other = on_host(at::stack(expected_norms));
  double product = 0, own_squares = 0, squares = 0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    own_squares += own[i] * own[i];
    squares += other[i] * other[i];
    if (const double cosine = result.cosine_to_backprop[i]; !std::isnan(cosine))
      product += cosine * own[i] * other[i];
  }
  if (own_squares > 0 && squares > 0)
    result.cosine = product / std::sqrt(own_squares * squares);
}

void compare(const std::vector<Layer>& gradients, const Reference& reference, Inspection& result) {
  const auto first = static_cast<std::size_t>(reference.gradients.first);
  const at::TensorOptions options = options_of(reference.gradients.gradients);
  std::vector<at::Tensor> norms;
  for (const Layer& gradient : gradients)
    norms.push_back(norm_on_device(gradient, options));
  add_row(result.layers, at::stack(norms));
  result.gradient_norm = on_host(at::stack(norms));
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (result.gradient_norm[i] == 0)
      continue;
    ++result.reach;
    if (i < first)
      continue; // beyond the cone: shows in reach
    const std::size_t at = i - first;
    const Layer& expected = reference.gradients.gradients[at];
    const double expected_norm = norm_of(expected);
    if (expected_norm < reference.resolution[at])
      continue;
    ++result.resolved;
    result.gradient_error =
        std::max(result.gradient_error, distance(gradients[i], expected) / expected_norm);
  }
}

namespace {

// The gradient's error without the rows that rounding sent another way.
void compare_other_rows(const Problem& problem, const at::Tensor& rows, Inspection& result) {
  Settings settings = problem.settings;
  settings.batch = rows.size(0);
  const at::Tensor chosen = rows.to(problem.batch.input.device());
  const Batch batch{problem.batch.input.index_select(0, chosen),
                    problem.batch.labels.index_select(0, chosen),
                    problem.batch.target.index_select(0, chosen)};
  const Problem rest{settings, problem.network, batch, nullptr, problem.deadline};
  Collector collector(settings.depth);
  run_arm(rest, collector);
  Inspection seen;
  compare(collector.gradients(), reference_gradients(rest), seen);
  result.gradient_error = seen.gradient_error;
  result.resolved = seen.resolved;
}

} // namespace

Inspection inspect_step(const Settings& settings, const Network& network, const Batch& batch,
                        const Deadline& deadline) {
  PhaseWatch watch(first_compared_layer(settings), settings.depth);
  Collector collector(settings.depth);
  const Problem problem{settings, network, batch, &watch, deadline};
  run_arm(problem, collector);
  KinkWatch settling(watch, settings.batch);
  const Reference reference = reference_gradients(problem, settles(settings) ? &settling : nullptr);
  const KinkRows kinks =
      settles(settings) ? settling.rows() : forward_kinks(network, batch.input, widen(network, 0));

  Inspection result;
  result.energy = watch.energy;
  at::Tensor output = batch.input;
  for (std::int64_t i = 0; i < network.depth(); ++i)
    output = predict(network.layer(i), i == 0 ? output : activate(output));
  result.loss = mean_loss(settings, batch, output).item<double>();
  compare(collector.gradients(), reference, result);
  result.kink_rows = kinks.count;
  if (result.kink_rows > 0 && result.kink_rows < settings.batch)
    compare_other_rows(problem, kinks.others, result);
  compare_to_backprop(collector.gradients(), backprop_gradients(problem), result);
  if (!result.energy.empty())
    result.settled_steps = static_cast<std::int64_t>(result.energy.size()) - 1;
  return result;
}

} // namespace peakbench::ep
