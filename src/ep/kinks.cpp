#include "ep/kinks.h"

#include <ATen/ATen.h>

namespace peakbench::ep {

void PhaseWatch::after_step(double beta, std::int64_t step, const SettlingView& view) {
  if (beta == 0)
    return;
  if (beta > 0)
    energy.push_back(view.energy());
  std::vector<at::Tensor>& active = active_[{beta > 0, step}];
  for (std::int64_t i = first_; i + 1 < depth_; ++i) {
    const at::Tensor state = view.state(i);
    active.push_back(state.defined() ? (state > 0).cpu() : state);
  }
}

const std::vector<at::Tensor>* PhaseWatch::active(double beta, std::int64_t step) const {
  const auto found = active_.find({beta > 0, step});
  return found == active_.end() ? nullptr : &found->second;
}

KinkWatch::KinkWatch(const PhaseWatch& arm, std::int64_t rows)
    : arm_(arm), parted_(at::zeros({rows}, at::kBool)), at_kink_(at::zeros({rows}, at::kBool)) {}

void KinkWatch::after_step(double beta, std::int64_t step, const SettlingView& view) {
  const std::vector<at::Tensor>* arm = beta == 0 ? nullptr : arm_.active(beta, step);
  if (!arm)
    return;
  // All layers move at once: a row parts in all layers of a step that differ in it.
  at::Tensor now = at::zeros_like(parted_), beyond = at::zeros_like(parted_);
  for (std::size_t i = 0; i < arm->size(); ++i) {
    if (!(*arm)[i].defined())
      continue;
    const at::Tensor state = view.state(static_cast<std::int64_t>(i)).cpu();
    const at::Tensor differs = (state > 0).ne((*arm)[i]);
    if (!differs.any().item<bool>())
      continue;
    const at::Tensor rounding = state.square().mean().sqrt() * kKinkRounding;
    now.logical_or_(differs.any(1));
    beyond.logical_or_(differs.logical_and(state.abs() > rounding).any(1));
  }
  const at::Tensor fresh = now.logical_and(parted_.logical_not());
  at_kink_.logical_or_(fresh.logical_and(beyond.logical_not()));
  parted_.logical_or_(now);
}

namespace {

// A layer of the forward pass as if it were a network's only hidden one.
class OneLayer : public SettlingView {
public:
  explicit OneLayer(at::Tensor state) : state_(std::move(state)) {}
  double energy() const override { return 0; }
  at::Tensor state(std::int64_t) const override { return state_; }
  std::int64_t first_non_finite() const override { return -1; }

private:
  at::Tensor state_;
};

} // namespace

KinkRows forward_kinks(const Network& network, const at::Tensor& input, const Network& wide) {
  PhaseWatch arm(0, 2);
  KinkWatch kinks(arm, input.size(0));
  at::Tensor narrow_state = input, wide_state = input.to(at::kDouble);
  for (std::int64_t i = 0; i + 1 < network.depth(); ++i) {
    narrow_state = predict(network.layer(i), i == 0 ? narrow_state : activate(narrow_state));
    wide_state = predict(wide.layer(i), i == 0 ? wide_state : activate(wide_state));
    arm.after_step(1, i, OneLayer(narrow_state));
    kinks.after_step(1, i, OneLayer(wide_state));
  }
  return kinks.rows();
}

KinkRows KinkWatch::rows() const {
  return {at_kink_.sum().item<std::int64_t>(), at_kink_.logical_not().nonzero().squeeze(1)};
}

} // namespace peakbench::ep
