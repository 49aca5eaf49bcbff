// Rows of the batch that rounding sends another way. Where a state comes to within its
// rounding of zero, float32 and float64 may see it on different sides of relu's kink; from then on
// the row moves differently in the two, and both are right. Rows do not interact, so gradients can
// be compared on the rest.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <map>
#include <vector>

#include "ep/arms.h"

namespace peakbench::ep {

// What an arm's nudged phases looked like: the energy at +beta, and which units were active.
class PhaseWatch : public Observer {
public:
  // Layers `first` .. `depth` - 2 are looked at.
  PhaseWatch(std::int64_t first, std::int64_t depth) : first_(first), depth_(depth) {}
  void after_step(double beta, std::int64_t step, const SettlingView& view) override;
  // [batch, outputs] per layer from `first` on, undefined where the arm holds no state; null if
  // there was no such step.
  const std::vector<at::Tensor>* active(double beta, std::int64_t step) const;

  std::vector<double> energy;

private:
  std::int64_t first_, depth_;
  std::map<std::pair<bool, std::int64_t>, std::vector<at::Tensor>> active_;
};

// Rows that parted where the state was within kKinkRounding of zero, relative to the layer.
inline constexpr double kKinkRounding = 1e-5;
struct KinkRows {
  std::int64_t count = 0;
  at::Tensor others; // indices of all other rows
};

// Watches the reference, whose layer 0 is the arm's layer `first`.
class KinkWatch : public Observer {
public:
  KinkWatch(const PhaseWatch& arm, std::int64_t rows);
  void after_step(double beta, std::int64_t step, const SettlingView& view) override;
  KinkRows rows() const;

private:
  const PhaseWatch& arm_;
  at::Tensor parted_, at_kink_; // [batch] bool
};

// The rows that part on the way up, from layer to layer of the forward pass: for arms that do not
// settle, in the network's type and in `wide`, the same in float64.
KinkRows forward_kinks(const Network& network, const at::Tensor& input, const Network& wide);

} // namespace peakbench::ep
