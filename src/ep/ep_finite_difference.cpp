// EP with state gradients by central differences of the energy: the slow way that needs nothing but
// the energy itself, for small networks. Differences are taken in float64 whatever the case's type,
// because float32 energies have no digits left for them.
#include <ATen/ATen.h>

#include "ep/arms.h"
#include "ep/contrast.h"
#include "ep/energy.h"
#include "ep/settling.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

// The terms of B E that a layer's state is in, for variants of that state.
class LocalEnergy {
public:
  LocalEnergy(const Problem& problem, const PlainStates& now, std::size_t layer, double beta)
      : output_(problem.settings), beta_(beta), last_(layer + 1 == now.states.size()),
        above_is_last_(layer + 2 == now.states.size()), target_(wide(problem.batch.target)) {
    const auto& layers = problem.network.layers;
    prediction_ = predict(wide(layers[layer]),
                          wide(layer == 0 ? problem.batch.input : activate(now.states[layer - 1])));
    if (!last_) {
      above_ = wide(layers[layer + 1]);
      above_state_ = wide(now.states[layer + 1]);
    }
  }

  // [variants x batch] energies of states [variants x batch, width].
  at::Tensor operator()(const at::Tensor& states) const {
    const std::int64_t variants = states.size(0) / prediction_.size(0);
    const auto repeated = [&](const at::Tensor& rows) { return rows.repeat({variants, 1}); };
    if (last_) {
      at::Tensor total = output_.divergence_of_rows(states, repeated(prediction_));
      return beta_ == 0 ? total
                        : total.add_(output_.cost_of_rows(states, repeated(target_)), beta_);
    }
    const at::Tensor own = (states - repeated(prediction_)).square().sum(1).mul_(0.5);
    const at::Tensor prediction = predict(above_, activate(states));
    const at::Tensor above_state = repeated(above_state_);
    return own + (above_is_last_ ? output_.divergence_of_rows(above_state, prediction)
                                 : (above_state - prediction).square().sum(1).mul_(0.5));
  }

private:
  static at::Tensor wide(const at::Tensor& tensor) { return tensor.to(at::kDouble); }
  static Layer wide(const Layer& layer) { return {wide(layer.weight), wide(layer.bias)}; }

  OutputLayer output_;
  double beta_;
  bool last_, above_is_last_;
  at::Tensor target_, prediction_, above_state_;
  Layer above_;
};

// B dE/ds of one layer: every unit is moved up and down in all rows at once, since rows do not
// interact.
at::Tensor force_by_differences(const LocalEnergy& energy, const at::Tensor& state) {
  const measure::TagScope tag(measure::Tag::workspace);
  const at::Tensor middle = state.to(at::kDouble); // [batch, width]
  const std::int64_t width = middle.size(1);
  const at::Tensor move = at::eye(width, middle.options()).mul_(kDifferenceStep).unsqueeze(1);
  const auto moved = [&](const at::Tensor& by) { // [width x batch]
    return energy((middle.unsqueeze(0) + by).reshape({-1, width}));
  };
  const at::Tensor difference = moved(move) - moved(-move);
  return difference.reshape({width, -1}).t().div(2 * kDifferenceStep).to(state.scalar_type());
}

} // namespace

void ep_finite_difference(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  Phases phases = settle_phases(problem, [&](PlainStates& now, double beta) {
    std::vector<at::Tensor> forces;
    for (std::size_t i = 0; i < now.states.size(); ++i) {
      forces.push_back(
          force_by_differences(LocalEnergy(problem, now, i, beta), now.states[i]).contiguous());
      problem.deadline.check();
    }
    for (std::size_t i = 0; i < now.states.size(); ++i)
      apply_force(problem.settings, now, i, std::move(forces[i]));
  });
  const GradientSet set = contrast(problem, phases);
  phases = {}; // the optimizer needs no states
  set.hand_to(sink);
}

} // namespace peakbench::ep
