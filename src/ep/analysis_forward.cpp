#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <functional>

#include "ep/analysis.h"
#include "ep/network.h"
#include "measure/memory.h"

namespace peakbench::ep {

namespace {

// The network as a user of torch::nn builds it; its parameters are the network's own tensors.
torch::nn::Sequential as_modules(const Network& network) {
  torch::nn::Sequential modules;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    torch::nn::Linear linear(layer.weight.size(1), layer.weight.size(0));
    linear->weight.set_data(layer.weight);
    linear->bias.set_data(layer.bias);
    modules->push_back(linear);
    if (i + 1 < network.layers.size())
      modules->push_back(torch::nn::ReLU());
  }
  return modules;
}

at::Tensor by_hand(const Network& network, at::Tensor activation) {
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    activation = predict(network.layers[i], activation);
    if (i + 1 < network.layers.size())
      activation = activate(activation);
  }
  return activation;
}

} // namespace

std::vector<ForwardPass> compare_forward_passes(const Settings& settings, c10::Device device) {
  validate(settings);
  measure::DeviceMemory& memory = measure::DeviceMemory::of(device);
  const c10::NoGradGuard no_recording;
  const Network network = draw_network(settings, device);
  const Batch batch = draw_batch(settings, device);
  torch::nn::Sequential modules{nullptr};
  {
    const c10::AutoGradMode parameters_require_gradients(true);
    modules = as_modules(network);
  }
  const auto measured = [&](const char* mode, bool graph,
                            const std::function<at::Tensor()>& forward) {
    const c10::AutoGradMode recording(graph);
    memory.synchronize();
    const measure::MemoryScope scope(memory);
    const at::Tensor output = forward();
    memory.synchronize();
    const measure::MemoryReading reading = scope.read();
    return ForwardPass{mode, reading.peak_bytes, reading.live_bytes};
  };
  const auto run_modules = [&] { return modules->forward(batch.input); };
  return {measured("forward_manual_no_grad", false, [&] { return by_hand(network, batch.input); }),
          measured("forward_module_no_grad", false, run_modules),
          measured("forward_module_grad", true, run_modules)};
}

} // namespace peakbench::ep
