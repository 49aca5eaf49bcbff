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

at::Tensor KinkWatch::other_rows() const { return at_kink_.logical_not().nonzero().squeeze(1); }

std::int64_t KinkWatch::count() const { return at_kink_.sum().item<std::int64_t>(); }

} // namespace peakbench::ep
