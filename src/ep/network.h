// The network of ep.md and the batch it is trained on, both drawn from the seed.
//   Linear(input_width, width) ReLU, (depth - 2) x [Linear(width, width) ReLU], Linear(width,
//   classes)
// Layers are counted from 0 here: layers[i] maps the activation of state i - 1 to the prediction
// h_i.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <vector>

#include "ep/settings.h"

namespace peakbench::ep {

struct Layer {
  at::Tensor weight; // [outputs, inputs]
  at::Tensor bias;   // [outputs]
};

struct Network {
  std::vector<Layer> layers;

  std::int64_t depth() const { return static_cast<std::int64_t>(layers.size()); }
  const Layer& layer(std::int64_t i) const { return layers[static_cast<std::size_t>(i)]; }
  std::int64_t bytes() const;
};

struct Batch {
  at::Tensor input;  // [batch, input_width], normal
  at::Tensor labels; // [batch] int64
  at::Tensor target; // [batch, classes]: one-hot (mse), or smoothed (cross_entropy)
};

// Empty tensors of the right shapes under Tag::weights (the hidden layers' in one block), then
// draw_layer for each.
Network draw_network(const Settings& settings, at::Device device);
// The initial values of one layer, in place: how weights are put back without a copy of them.
//   torch       U(+-1/sqrt(inputs)), weights and biases: what nn.Linear does
//   he          N(0, 2/inputs), biases 0
//   orthogonal  orthonormal rows or columns times sqrt(2) (1 for the output layer), biases 0
//   residual    identity + N(0, 2/(inputs depth)) for square hidden layers, else he; biases 0
void draw_layer(const Settings& settings, std::int64_t index, const Layer& layer);
Batch draw_batch(const Settings& settings, at::Device device);
// What the output is to become for labels [batch]: Batch::target.
at::Tensor targets_of(const Settings& settings, const at::Tensor& labels);

// The weights [depth - 2, width, width] and biases [depth - 2, width] of the layers between the
// first and the last: the memory itself in networks that draw_network made, a copy in others.
// Undefined for depth 2.
Layer hidden_block(const Network& network);

// h = W a + b.
at::Tensor predict(const Layer& layer, const at::Tensor& activation);
// relu(state): the activation that state hands to the next layer.
at::Tensor activate(const at::Tensor& state);

} // namespace peakbench::ep
