#include "llm/synthetic.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "base/hash.h"
#include "base/model_shapes.h"
#include "measure/tag.h"

namespace peakbench::llm {

namespace {

constexpr double kDeviation = 0.02;
constexpr std::int64_t kChunk = 1 << 18; // elements drawn by one generator on the CPU

ModelConfig config_of(const ModelShape& shape) {
  ModelConfig c;
  c.name = "synthetic:" + std::string(shape.name);
  c.architecture = shape.architecture;
  c.format = "synthetic";
  c.layers = shape.layers;
  c.width = shape.width;
  c.heads = shape.heads;
  c.kv_heads = shape.kv_heads;
  c.head_width = shape.head_width;
  c.mlp_width = shape.mlp_width;
  c.vocabulary = shape.vocabulary;
  c.context = shape.context;
  c.norm_epsilon = shape.norm_epsilon;
  c.rope_theta = shape.rope_theta;
  c.tied_embedding = shape.tied;
  c.qkv_bias = shape.architecture == "qwen2";
  c.qk_norm = shape.architecture == "qwen3";
  c.random_weights = true;
  if (shape.llama3_factor > 0)
    c.rope_scaling = {"llama3", shape.llama3_factor, 1, 4, 8192};
  return c;
}

class SyntheticSource final : public ModelSource {
public:
  explicit SyntheticSource(ModelConfig config) : config_(std::move(config)) {
    for (WeightShape& weight : weight_shapes(config_))
      shapes_.emplace(std::move(weight.name), std::move(weight.shape));
  }

  const ModelConfig& config() const override { return config_; }
  bool has(const std::string& name) const override { return shapes_.contains(name); }
  at::Tensor tensor(const std::string& name, at::ScalarType dtype,
                    at::Device device) const override;
  std::shared_ptr<const Tokenizer> tokenizer() const override { return nullptr; }
  std::int64_t file_bytes() const override { return 0; }
  std::int64_t parameters() const override { return count_parameters(config_); }

private:
  ModelConfig config_;
  std::map<std::string, std::vector<std::int64_t>> shapes_;
};

at::Tensor SyntheticSource::tensor(const std::string& name, at::ScalarType dtype,
                                   at::Device device) const {
  const auto found = shapes_.find(name);
  if (found == shapes_.end())
    throw UserError(fmt::format("'{}' has no tensor '{}'", config_.name, name));
  const measure::TagScope scope(measure::Tag::weights);
  at::Tensor tensor = at::empty(found->second, at::TensorOptions().dtype(dtype).device(device));
  if (name.ends_with("norm.weight"))
    return tensor.fill_(1);
  const std::uint64_t seed = hash64(config_.name + "/" + name);
  if (!device.is_cpu()) {
    at::Generator generator = at::detail::getCUDAHooks().getNewGenerator(device.index());
    generator.set_current_seed(seed);
    return tensor.normal_(0, kDeviation, generator);
  }
  at::Tensor flat = tensor.view(-1);
  const std::int64_t elements = flat.numel();
  const std::int64_t chunks = (elements + kChunk - 1) / kChunk;
  at::parallel_for(0, chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    // Drawn in float32 for every type: four times as fast as bfloat16, and the same model in all.
    const measure::TagScope temporary(measure::Tag::workspace);
    const at::Tensor drawn = at::empty({std::min(kChunk, elements)}, at::kFloat);
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      at::Generator generator =
          at::make_generator<at::CPUGeneratorImpl>(seed + static_cast<std::uint64_t>(chunk));
      const std::int64_t count = std::min(kChunk, elements - chunk * kChunk);
      at::Tensor part = drawn.narrow(0, 0, count).normal_(0, kDeviation, generator);
      flat.narrow(0, chunk * kChunk, count).copy_(part);
    }
  });
  return tensor;
}

} // namespace

std::unique_ptr<ModelSource> open_synthetic(const std::string& name) {
  std::string names;
  for (const ModelShape& shape : kModelShapes) {
    if (shape.name == name)
      return std::make_unique<SyntheticSource>(config_of(shape));
    names += (names.empty() ? "" : ", ") + std::string(shape.name);
  }
  throw UserError(fmt::format("unknown synthetic model '{}'", name), "known: " + names, "");
}

} // namespace peakbench::llm
