#include "ep/autograd.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include "measure/tag.h"

namespace peakbench::ep {

Recording::Recording() : previous_(c10::GradMode::is_enabled()) {
  c10::GradMode::set_enabled(true);
}
Recording::~Recording() { c10::GradMode::set_enabled(previous_); }

at::Tensor leaf(const at::Tensor& tensor) {
  // With a version of its own: layers may be slices of one block, and changing one in place must
  // not make the graphs of the others look out of date.
  at::Tensor alias = tensor.variable_data();
  alias.set_requires_grad(true);
  return alias;
}

Layer leaf(const Layer& layer) { return {leaf(layer.weight), leaf(layer.bias)}; }

std::vector<at::Tensor> gradients(const at::Tensor& output, const std::vector<at::Tensor>& inputs,
                                  const at::Tensor& seed) {
  return torch::autograd::grad({output}, inputs,
                               seed.defined() ? torch::autograd::variable_list{seed}
                                              : torch::autograd::variable_list{});
}

std::vector<Layer> layer_gradients(const at::Tensor& output, const std::vector<Layer>& leaves) {
  const measure::TagScope tag(measure::Tag::gradients);
  std::vector<at::Tensor> inputs;
  inputs.reserve(2 * leaves.size());
  for (const Layer& layer : leaves) {
    inputs.push_back(layer.weight);
    inputs.push_back(layer.bias);
  }
  const std::vector<at::Tensor> flat = gradients(output, inputs);
  std::vector<Layer> result;
  result.reserve(leaves.size());
  for (std::size_t i = 0; i < leaves.size(); ++i)
    result.push_back({flat[2 * i], flat[2 * i + 1]});
  return result;
}

} // namespace peakbench::ep
