#include "llm/model.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/stopwatch.h"
#include "kernels/row_ops.h"
#include "llm/device_step.h"
#include "llm/layers.h"
#include "llm/rope.h"
#include "measure/tag.h"

namespace peakbench::llm {

using measure::Tag;
using measure::TagScope;

namespace {

// Rows of one pass: prompts are computed in groups of whole paths up to this, and the MLP of a
// longer prompt in pieces, so that activations stay small beside the weights.
constexpr std::int64_t kRowBlock = 512;

// Counts where it can be told.
class Timed {
public:
  Timed(double* total) {
    if (total)
      watch_.emplace(*total);
  }

private:
  std::optional<Stopwatch> watch_;
};

// A pass under way.
struct Pass {
  KvStore& store;
  ForwardTimes* times; // null: not asked for, or not to be had
  at::Tensor residual; // float32 [rows, width]
  at::Tensor normed;   // scratch [rows, width]
  kernels::HeadRotation rotation;

  double* products() const { return times ? &times->products : nullptr; }
  double* attention() const { return times ? &times->attention : nullptr; }
};

} // namespace

struct Model::Weights {
  ModelConfig config;
  at::ScalarType dtype;
  at::Device device;
  Rope rope;
  at::Tensor embedding; // [vocabulary, width]
  OutputHead head;
  at::Tensor final_norm; // float32 [width]
  std::vector<Layer> layers;
  std::unique_ptr<DeviceStep> device_step; // null: steps are passes like others

  // Returns the residual stream of each path's last position, [paths, width].
  at::Tensor forward(std::span<const std::int32_t> tokens, KvStore& store,
                     std::span<const PathId> paths, std::int64_t tokens_per_path,
                     ForwardTimes* times) const;
  // What attention adds to the residual stream, [rows, width].
  at::Tensor attend(const Layer& layer, std::int64_t index, Pass& pass) const;
  // Adds `attended`, then what the MLP makes of the sum.
  void feed_forward(const Layer& layer, const at::Tensor& attended, Pass& pass) const;
  at::Tensor logits(at::Tensor residual, ForwardTimes* times) const;
  ForwardTimes* countable(ForwardTimes* times) const { return device.is_cpu() ? times : nullptr; }
};

at::Tensor Model::Weights::attend(const Layer& layer, std::int64_t index, Pass& pass) const {
  kernels::add_rms_norm(pass.residual, std::nullopt, layer.attention_norm, config.norm_epsilon,
                        pass.normed);
  at::Tensor qkv; // [rows, (heads + 2 kv_heads) * head_width]
  {
    const Timed clock(pass.products());
    qkv = layer.qkv(pass.normed);
  }
  pass.rotation.query_norm = layer.query_norm;
  pass.rotation.key_norm = layer.key_norm;
  kernels::rotate_heads(qkv, pass.rotation);
  const std::int64_t query = config.heads, key = config.kv_heads;
  const at::Tensor heads = qkv.view({qkv.size(0), query + 2 * key, config.head_width});
  at::Tensor mixed;
  {
    const Timed clock(pass.attention());
    pass.store.append(index, heads.narrow(1, query, key), heads.narrow(1, query + key, key));
    mixed = pass.store.attention(index, heads.narrow(1, 0, query));
  }
  const Timed clock(pass.products());
  return layer.attention_out(mixed.view({mixed.size(0), -1}));
}

void Model::Weights::feed_forward(const Layer& layer, const at::Tensor& attended,
                                  Pass& pass) const {
  for (std::int64_t first = 0; first < pass.residual.size(0); first += kRowBlock) {
    const std::int64_t rows = std::min(kRowBlock, pass.residual.size(0) - first);
    at::Tensor part = pass.residual.narrow(0, first, rows);
    at::Tensor in = pass.normed.narrow(0, first, rows);
    kernels::add_rms_norm(part, attended.narrow(0, first, rows), layer.mlp_norm,
                          config.norm_epsilon, in);
    const auto product = [&](const Linear& linear, const at::Tensor& x) {
      const Timed clock(pass.products());
      return linear(x);
    };
    const at::Tensor gate_up = product(layer.gate_up, in);
    at::Tensor hidden = at::empty({rows, config.mlp_width}, gate_up.options());
    kernels::silu_multiply(gate_up, hidden);
    part.add_(product(layer.down, hidden));
  }
}

at::Tensor Model::Weights::forward(std::span<const std::int32_t> tokens, KvStore& store,
                                   std::span<const PathId> paths, std::int64_t tokens_per_path,
                                   ForwardTimes* times) const {
  const TagScope tag(Tag::activations);
  const auto rows = static_cast<std::int64_t>(tokens.size());
  // Of a prompt every path has the same positions, of a step each path its own.
  std::vector<std::int64_t> positions;
  for (std::int64_t i = 0; i < (tokens_per_path > 1 ? tokens_per_path : rows); ++i)
    positions.push_back(tokens_per_path > 1 ? i : store.length(paths[static_cast<std::size_t>(i)]));
  store.reserve(paths, tokens_per_path);
  const at::Tensor ids = at::empty({rows}, at::kLong);
  std::copy(tokens.begin(), tokens.end(), ids.data_ptr<std::int64_t>());
  Pass pass{store, countable(times), {}, {}, {}};
  pass.residual = embedding.index_select(0, ids.to(device)).to(at::kFloat);
  pass.normed = at::empty({rows, config.width}, pass.residual.options().dtype(dtype));
  pass.rotation = {.heads = config.heads,
                   .kv_heads = config.kv_heads,
                   .head_width = config.head_width,
                   .epsilon = config.norm_epsilon,
                   .table = rope.table(positions, device)};
  for (std::size_t i = 0; i < layers.size(); ++i)
    feed_forward(layers[i], attend(layers[i], static_cast<std::int64_t>(i), pass), pass);
  return pass.residual
      .view({static_cast<std::int64_t>(paths.size()), tokens_per_path, config.width})
      .select(1, tokens_per_path - 1)
      .contiguous();
}

at::Tensor Model::Weights::logits(at::Tensor residual, ForwardTimes* times) const {
  at::Tensor normed;
  {
    const TagScope tag(Tag::activations);
    normed = at::empty(residual.sizes(), residual.options().dtype(dtype));
    kernels::add_rms_norm(residual, std::nullopt, final_norm, config.norm_epsilon, normed);
  }
  times = countable(times);
  const Timed clock(times ? &times->products : nullptr);
  return head(normed);
}

Model::Model(const ModelSource& source, at::ScalarType dtype, at::Device device,
             const ModelOptions& options) {
  const TagScope tag(Tag::weights);
  const ModelConfig& config = source.config();
  TORCH_CHECK(dtype == at::kFloat || dtype == at::kBFloat16 ||
                  (dtype == at::kHalf && device.is_cuda()),
              "a model computes in float32 or bfloat16 (or float16 on CUDA), not ", dtype);
  weights_ =
      std::make_unique<Weights>(Weights{config, dtype, device, Rope(config), {}, {}, {}, {}, {}});
  weights_->embedding = source.tensor("model.embed_tokens.weight", dtype, device);
  weights_->head = config.tied_embedding
                       ? OutputHead(weights_->embedding, true)
                       : OutputHead(source.tensor("lm_head.weight", dtype, device), false);
  weights_->final_norm = source.tensor("model.norm.weight", at::kFloat, device);
  for (std::int64_t i = 0; i < config.layers; ++i)
    weights_->layers.push_back(load_layer(source, i, dtype, device));
  const kernels::DeviceKernels* step_kernels = options.step_kernels;
#if PEAKBENCH_USE_CUDA
  if (device.is_cuda() && !step_kernels)
    step_kernels = &kernels::kCudaKernels;
#endif
  if (step_kernels)
    weights_->device_step = std::make_unique<DeviceStep>(
        StepWeights{weights_->config, dtype, device, weights_->rope, weights_->embedding,
                    weights_->layers, weights_->final_norm, weights_->head},
        *step_kernels, options.cuda_graphs);
}

Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

const ModelConfig& Model::config() const { return weights_->config; }
at::ScalarType Model::dtype() const { return weights_->dtype; }
at::Device Model::device() const { return weights_->device; }

std::int64_t Model::weight_bytes() const {
  auto bytes =
      static_cast<std::int64_t>(weights_->embedding.nbytes() + weights_->final_norm.nbytes()) +
      weights_->head.bytes();
  for (const Layer& layer : weights_->layers)
    bytes += layer.bytes();
  return bytes;
}

at::Tensor Model::prefill(std::span<const std::int32_t> tokens, KvStore& store,
                          std::span<const PathId> paths, ForwardTimes* times) const {
  TORCH_CHECK(!tokens.empty() && !paths.empty(), "a prefill needs a token and a path");
  const auto length = static_cast<std::int64_t>(tokens.size());
  const auto group = static_cast<std::size_t>(std::max<std::int64_t>(1, kRowBlock / length));
  std::vector<at::Tensor> last; // of each group [paths, width]
  std::vector<std::int32_t> repeated;
  for (std::size_t first = 0; first < paths.size(); first += group) {
    const auto part = paths.subspan(first, std::min(group, paths.size() - first));
    repeated.clear();
    for (std::size_t i = 0; i < part.size(); ++i)
      repeated.insert(repeated.end(), tokens.begin(), tokens.end());
    last.push_back(weights_->forward(repeated, store, part, length, times));
  }
  const TagScope tag(Tag::activations);
  return weights_->logits(last.size() == 1 ? last.front() : at::cat(last), times);
}

at::Tensor Model::step(std::span<const std::int32_t> tokens, KvStore& store,
                       std::span<const PathId> paths, ForwardTimes* times) const {
  TORCH_CHECK(!paths.empty() && tokens.size() == paths.size(), "a step takes one token per path");
  if (weights_->device_step)
    return weights_->device_step->run(tokens, store, paths);
  return weights_->logits(weights_->forward(tokens, store, paths, 1, times), times);
}

std::int64_t Model::replayed_steps() const {
  return weights_->device_step ? weights_->device_step->graphs().replays() : 0;
}

std::unique_ptr<KvStore> Model::make_kv_store(KvKind kind) const {
  return llm::make_kv_store(kind, weights_->config, weights_->dtype, weights_->device);
}

} // namespace peakbench::llm
