#include "ep/network.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

#include "ep/random.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

enum Purpose : std::uint32_t { kWeight = 1, kBias = 2, kInput = 3, kLabel = 4 };

RandomKey key_of(const Settings& settings, Purpose purpose, std::int64_t index = 0) {
  return {settings.seed, purpose, static_cast<std::uint32_t>(index)};
}

// LAPACK may round differently with another number of threads; weights must not.
class OneThread {
public:
  OneThread() : threads_(at::get_num_threads()) { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(threads_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

private:
  int threads_;
};

// Uniformly distributed (Haar): Q of a normal matrix, with R's diagonal made positive.
at::Tensor orthogonal(std::int64_t rows, std::int64_t columns, const RandomKey& key) {
  const OneThread guard;
  at::Tensor normal = at::empty({std::max(rows, columns), std::min(rows, columns)}, at::kDouble);
  fill_normal(normal, 1, key);
  const auto [q, r] = at::linalg_qr(normal);
  const at::Tensor result = q * at::sign(at::diagonal(r));
  return rows >= columns ? result : result.t();
}

} // namespace

std::int64_t Network::bytes() const {
  std::int64_t total = 0;
  for (const Layer& layer : layers)
    total += static_cast<std::int64_t>(layer.weight.nbytes() + layer.bias.nbytes());
  return total;
}

namespace {

// All of a block if these are its slices, one after the other, else a copy of them.
at::Tensor block_of(const std::vector<at::Tensor>& slices) {
  const at::Tensor& first = slices.front();
  const std::int64_t size = first.numel();
  for (std::size_t i = 0; i < slices.size(); ++i)
    if (!slices[i].is_contiguous() || !slices[i].is_alias_of(first) ||
        slices[i].storage_offset() != first.storage_offset() + static_cast<std::int64_t>(i) * size)
      return at::stack(slices);
  std::vector<std::int64_t> sizes = first.sizes().vec(), strides = first.strides().vec();
  sizes.insert(sizes.begin(), static_cast<std::int64_t>(slices.size()));
  strides.insert(strides.begin(), size);
  return first.as_strided(sizes, strides);
}

} // namespace

Layer hidden_block(const Network& network) {
  if (network.depth() == 2)
    return {};
  std::vector<at::Tensor> weights, biases;
  for (std::int64_t i = 1; i + 1 < network.depth(); ++i) {
    weights.push_back(network.layer(i).weight);
    biases.push_back(network.layer(i).bias);
  }
  return {block_of(weights), block_of(biases)};
}

void draw_layer(const Settings& settings, std::int64_t index, const Layer& layer) {
  const std::int64_t outputs = layer.weight.size(0), inputs = layer.weight.size(1);
  const auto fan_in = static_cast<double>(inputs);
  const RandomKey weight_key = key_of(settings, kWeight, index);
  const bool output_layer = index + 1 == settings.depth;
  if (settings.init == Init::torch) {
    fill_uniform(layer.weight, 1 / std::sqrt(fan_in), weight_key);
    fill_uniform(layer.bias, 1 / std::sqrt(fan_in), key_of(settings, kBias, index));
    return;
  }
  layer.bias.zero_();
  if (settings.init == Init::orthogonal) {
    layer.weight.copy_(
        orthogonal(outputs, inputs, weight_key).mul_(output_layer ? 1 : std::sqrt(2.0)));
  } else if (settings.init == Init::residual && outputs == inputs && index > 0) {
    fill_normal(layer.weight, std::sqrt(2 / (fan_in * static_cast<double>(settings.depth))),
                weight_key);
    layer.weight.diagonal().add_(1);
  } else {
    fill_normal(layer.weight, std::sqrt(2 / fan_in), weight_key);
  }
}

Network draw_network(const Settings& settings, at::Device device) {
  const measure::TagScope tag(measure::Tag::weights);
  const auto options = at::TensorOptions().dtype(settings.dtype).device(device);
  Network network;
  network.layers.reserve(static_cast<std::size_t>(settings.depth));
  const std::int64_t hidden = settings.depth - 2;
  const at::Tensor weights = at::empty({hidden, settings.width, settings.width}, options);
  const at::Tensor biases = at::empty({hidden, settings.width}, options);
  for (std::int64_t i = 0; i < settings.depth; ++i) {
    const std::int64_t inputs = i == 0 ? settings.input_width : settings.width;
    const std::int64_t outputs = i + 1 == settings.depth ? settings.classes : settings.width;
    if (i == 0 || i + 1 == settings.depth)
      network.layers.push_back(
          {at::empty({outputs, inputs}, options), at::empty({outputs}, options)});
    else
      network.layers.push_back({weights.select(0, i - 1), biases.select(0, i - 1)});
    const measure::TagScope temporaries(measure::Tag::workspace);
    draw_layer(settings, i, network.layers.back());
  }
  return network;
}

Batch draw_batch(const Settings& settings, at::Device device) {
  const measure::TagScope tag(measure::Tag::activations);
  const auto options = at::TensorOptions().dtype(settings.dtype).device(device);
  Batch batch;
  batch.input = at::empty({settings.batch, settings.input_width}, options);
  batch.labels = at::empty({settings.batch}, options.dtype(at::kLong));
  {
    const measure::TagScope temporaries(measure::Tag::workspace);
    fill_normal(batch.input, 1, key_of(settings, kInput));
    fill_integers(batch.labels, settings.classes, key_of(settings, kLabel));
  }
  batch.target = targets_of(settings, batch.labels);
  return batch;
}

at::Tensor targets_of(const Settings& settings, const at::Tensor& labels) {
  at::Tensor target =
      at::zeros({labels.size(0), settings.classes}, labels.options().dtype(settings.dtype));
  target.scatter_(1, labels.unsqueeze(1), 1);
  if (settings.loss == Loss::cross_entropy)
    target.mul_(1 - settings.label_smoothing)
        .add_(settings.label_smoothing / static_cast<double>(settings.classes));
  return target;
}

at::Tensor predict(const Layer& layer, const at::Tensor& activation) {
  return at::linear(activation, layer.weight, layer.bias);
}

at::Tensor activate(const at::Tensor& state) { return at::relu(state); }

} // namespace peakbench::ep
