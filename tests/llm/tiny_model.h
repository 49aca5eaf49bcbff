// A random model of any shape in memory, and its forward pass written down plainly in float64.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "llm/model_source.h"

namespace peakbench::llm::testing {

inline ModelConfig tiny_config() {
  ModelConfig c;
  c.name = c.architecture = "tiny";
  c.format = "memory";
  c.layers = 2;
  c.width = 48;
  c.heads = 6;
  c.kv_heads = 2;
  c.head_width = 16; // not width / heads
  c.mlp_width = 80;
  c.vocabulary = 67;
  c.context = 512;
  return c;
}

class TinySource : public ModelSource {
public:
  explicit TinySource(const ModelConfig& config) : config_(config) {
    const ModelConfig& c = config_;
    add("model.embed_tokens.weight", {c.vocabulary, c.width}, 1);
    if (!c.tied_embedding)
      add("lm_head.weight", {c.vocabulary, c.width}, 0.3);
    add("model.norm.weight", {c.width}, 1);
    for (std::int64_t i = 0; i < c.layers; ++i) {
      const std::string layer = "model.layers." + std::to_string(i) + ".";
      add(layer + "input_layernorm.weight", {c.width}, 1);
      add(layer + "post_attention_layernorm.weight", {c.width}, 1);
      for (const auto& [name, heads] :
           {std::pair{"q_proj", c.heads}, {"k_proj", c.kv_heads}, {"v_proj", c.kv_heads}}) {
        add(layer + "self_attn." + name + ".weight", {heads * c.head_width, c.width}, 0.3);
        if (c.qkv_bias)
          add(layer + "self_attn." + name + ".bias", {heads * c.head_width}, 0.5);
      }
      if (c.qk_norm)
        for (const char* name : {"q_norm", "k_norm"})
          add(layer + "self_attn." + name + ".weight", {c.head_width}, 1);
      add(layer + "self_attn.o_proj.weight", {c.width, c.heads * c.head_width}, 0.2);
      add(layer + "mlp.gate_proj.weight", {c.mlp_width, c.width}, 0.2);
      add(layer + "mlp.up_proj.weight", {c.mlp_width, c.width}, 0.2);
      add(layer + "mlp.down_proj.weight", {c.width, c.mlp_width}, 0.2);
    }
  }

  const ModelConfig& config() const override { return config_; }
  bool has(const std::string& name) const override { return tensors_.contains(name); }
  at::Tensor tensor(const std::string& name, at::ScalarType dtype,
                    at::Device device) const override {
    const auto found = tensors_.find(name);
    if (found == tensors_.end())
      throw UserError("no tensor '" + name + "'");
    return found->second.to(device, dtype, /*non_blocking=*/false, /*copy=*/true);
  }
  std::shared_ptr<const Tokenizer> tokenizer() const override { return nullptr; }
  std::int64_t file_bytes() const override { return 0; }
  std::int64_t parameters() const override { return 0; }

  // Logits of the last position, [vocabulary], every token computed at once.
  at::Tensor logits(const std::vector<std::int32_t>& tokens) const;

private:
  void add(const std::string& name, std::vector<std::int64_t> shape, double scale) {
    tensors_[name] = at::randn(shape, generator_, at::kDouble).mul(scale).to(at::kFloat);
  }
  at::Tensor get(const std::string& name) const { return tensors_.at(name).to(at::kDouble); }
  at::Tensor norm(const at::Tensor& x, const std::string& name) const {
    return x / (x.square().mean(-1, true) + config_.norm_epsilon).sqrt() * get(name);
  }
  // x [tokens, heads, head_width]
  at::Tensor rotated(const at::Tensor& x) const {
    at::Tensor out = x.clone();
    const std::int64_t half = config_.head_width / 2;
    for (std::int64_t t = 0; t < x.size(0); ++t)
      for (std::int64_t i = 0; i < half; ++i) {
        double frequency =
            std::pow(config_.rope_theta,
                     -2.0 * static_cast<double>(i) / static_cast<double>(config_.head_width));
        if (config_.rope_scaling.kind == "linear")
          frequency /= config_.rope_scaling.factor;
        const double angle = static_cast<double>(t) * frequency;
        const at::Tensor low = x[t].select(1, i), high = x[t].select(1, i + half);
        out[t].select(1, i).copy_(low * std::cos(angle) - high * std::sin(angle));
        out[t].select(1, i + half).copy_(high * std::cos(angle) + low * std::sin(angle));
      }
    return out;
  }

  ModelConfig config_;
  at::Generator generator_ = at::make_generator<at::CPUGeneratorImpl>(99);
  std::map<std::string, at::Tensor> tensors_;
};

inline at::Tensor TinySource::logits(const std::vector<std::int32_t>& tokens) const {
  const ModelConfig& c = config_;
  const auto count = static_cast<std::int64_t>(tokens.size());
  at::Tensor x = get("model.embed_tokens.weight").index_select(0, at::tensor(tokens, at::kLong));
  const at::Tensor hidden = at::ones({count, count}, at::kBool).triu(1);
  for (std::int64_t i = 0; i < c.layers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    const at::Tensor in = norm(x, layer + "input_layernorm.weight");
    const auto project = [&](const char* name, std::int64_t heads) {
      const std::string full = layer + "self_attn." + name;
      at::Tensor y = at::matmul(in, get(full + ".weight").t());
      if (c.qkv_bias)
        y = y + get(full + ".bias");
      return y.view({count, heads, c.head_width});
    };
    at::Tensor q = project("q_proj", c.heads), k = project("k_proj", c.kv_heads);
    if (c.qk_norm) {
      q = norm(q, layer + "self_attn.q_norm.weight");
      k = norm(k, layer + "self_attn.k_norm.weight");
    }
    const std::int64_t group = c.heads / c.kv_heads;
    k = rotated(k).repeat_interleave(group, 1);
    const at::Tensor v = project("v_proj", c.kv_heads).repeat_interleave(group, 1);
    const at::Tensor scores = at::einsum("qhd,khd->hqk", {rotated(q), k})
                                  .div(std::sqrt(static_cast<double>(c.head_width)))
                                  .masked_fill(hidden, -INFINITY);
    const at::Tensor mixed =
        at::einsum("hqk,khd->qhd", {scores.softmax(-1), v}).reshape({count, -1});
    x = x + at::matmul(mixed, get(layer + "self_attn.o_proj.weight").t());
    const at::Tensor again = norm(x, layer + "post_attention_layernorm.weight");
    const at::Tensor gate = at::matmul(again, get(layer + "mlp.gate_proj.weight").t());
    const at::Tensor up = at::matmul(again, get(layer + "mlp.up_proj.weight").t());
    x = x + at::matmul(gate * at::sigmoid(gate) * up, get(layer + "mlp.down_proj.weight").t());
  }
  const std::string head = c.tied_embedding ? "model.embed_tokens.weight" : "lm_head.weight";
  return at::matmul(get(head), norm(x, "model.norm.weight")[-1]);
}

} // namespace peakbench::llm::testing
