// LibTorch's autograd, without torch/torch.h: the only place that includes its headers.
#pragma once

#include <ATen/core/TensorBody.h>

#include <vector>

#include "ep/network.h"

namespace peakbench::ep {

// While alive, operations record a graph (arms run with it off).
class Recording {
public:
  Recording();
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

private:
  bool previous_;
};

// An alias of the same storage whose gradient can be asked for.
at::Tensor leaf(const at::Tensor& tensor);
Layer leaf(const Layer& layer);

// d(sum of outputs * seeds)/d(inputs); empty seeds for scalar outputs. Frees the graph.
std::vector<at::Tensor> gradients(const at::Tensor& output, const std::vector<at::Tensor>& inputs,
                                  const at::Tensor& seed = {});
// The gradients of the layers' weights and biases, under Tag::gradients.
std::vector<Layer> layer_gradients(const at::Tensor& output, const std::vector<Layer>& leaves);

} // namespace peakbench::ep
