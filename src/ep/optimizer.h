// Optimizers of ep.md: they take one layer's gradient at a time and change its weights in place.
#pragma once

#include <ATen/core/TensorBody.h>

#include <vector>

#include "ep/arms.h"

namespace peakbench::ep {

// sgd        w <- w - rate g
// momentum   m <- 0.9 m + g; w <- w - rate m
// muon       matrices (every layer's, as published) by their orthogonalised momentum, biases by
// momentum.
//            clean:  m <- 0.9 m + g; w <- w - rate orthogonalize(m)     (Muon)
//            compat: m <- 0.9 m + orthogonalize(g); w <- w - rate m     (as the published EP does)
// Momentum exists for the layers that ever received a gradient (Tag::optimizer): O(T) for arms that
// reach T layers.
class WeightOptimizer : public GradientSink {
public:
  WeightOptimizer(const Settings& settings, const Network& network);
  void accept(std::int64_t layer, const at::Tensor& weight, const at::Tensor& bias) override;
  // In profile clean: without any gradient in memory.
  bool accept_factors(std::span<const FactoredGradient> gradients) override;
  // In profile clean.
  std::optional<WeightUpdate> begin_update(std::int64_t first) override;
  void finish_update(std::span<const std::int64_t> layers) override;
  // Forgets all momentum.
  void reset();

private:
  static void start(at::Tensor& momentum, const at::Tensor& like);
  const at::Tensor& accumulate(at::Tensor& momentum, const at::Tensor& gradient) const;

  Settings settings_;
  const Network& network_;
  std::vector<Layer> momentum_;
};

} // namespace peakbench::ep
