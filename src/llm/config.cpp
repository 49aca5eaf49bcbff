#include "llm/config.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"

namespace peakbench::llm {

namespace {

void check_range(const std::string& file, const char* what, std::int64_t value,
                 std::int64_t limit) {
  if (value < 1 || value > limit)
    throw UserError(fmt::format("'{}': {} is {}", file, what, value),
                    fmt::format("expected 1 to {}", limit), "");
}

void check_number(const std::string& file, const char* what, double value) {
  if (!std::isfinite(value) || value <= 0)
    throw UserError(fmt::format("'{}': {} is {}", file, what, value),
                    "expected a positive finite number", "");
}

} // namespace

std::vector<WeightShape> weight_shapes(const ModelConfig& c) {
  const std::int64_t query = c.heads * c.head_width, key = c.kv_heads * c.head_width;
  std::vector<WeightShape> shapes;
  shapes.push_back({"model.embed_tokens.weight", {c.vocabulary, c.width}});
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    const auto add = [&](const char* name, std::vector<std::int64_t> shape) {
      shapes.push_back({prefix + name, std::move(shape)});
    };
    add("input_layernorm.weight", {c.width});
    add("self_attn.q_proj.weight", {query, c.width});
    add("self_attn.k_proj.weight", {key, c.width});
    add("self_attn.v_proj.weight", {key, c.width});
    if (c.qkv_bias) {
      add("self_attn.q_proj.bias", {query});
      add("self_attn.k_proj.bias", {key});
      add("self_attn.v_proj.bias", {key});
    }
    if (c.qk_norm) {
      add("self_attn.q_norm.weight", {c.head_width});
      add("self_attn.k_norm.weight", {c.head_width});
    }
    add("self_attn.o_proj.weight", {c.width, query});
    add("post_attention_layernorm.weight", {c.width});
    add("mlp.gate_proj.weight", {c.mlp_width, c.width});
    add("mlp.up_proj.weight", {c.mlp_width, c.width});
    add("mlp.down_proj.weight", {c.width, c.mlp_width});
  }
  shapes.push_back({"model.norm.weight", {c.width}});
  if (!c.tied_embedding)
    shapes.push_back({"lm_head.weight", {c.vocabulary, c.width}});
  return shapes;
}

std::int64_t count_parameters(const ModelConfig& config) {
  std::int64_t total = 0;
  for (const WeightShape& weight : weight_shapes(config)) {
    std::int64_t elements = 1;
    for (std::int64_t size : weight.shape)
      elements *= size;
    total += elements;
  }
  return total;
}

void check_config(const ModelConfig& c, const std::string& file) {
  // Bounds far above any published model and far below an overflow of their products.
  check_range(file, "the number of layers", c.layers, 4096);
  check_range(file, "the width", c.width, 1 << 20);
  check_range(file, "the number of attention heads", c.heads, 1 << 14);
  check_range(file, "the number of KV heads", c.kv_heads, 1 << 14);
  check_range(file, "the head width", c.head_width, 1 << 14);
  check_range(file, "the feed-forward width", c.mlp_width, 1 << 22);
  check_range(file, "the vocabulary", c.vocabulary, 1 << 24);
  check_range(file, "the context length", c.context, std::int64_t{1} << 31);
  if (c.heads % c.kv_heads != 0)
    throw UserError(
        fmt::format("'{}': {} attention heads cannot share {} KV heads", file, c.heads, c.kv_heads),
        "the first must be a multiple of the second", "");
  if (c.head_width % 2 != 0)
    throw UserError(fmt::format("'{}': the head width {} is odd", file, c.head_width),
                    "rotary positions rotate pairs", "");
  check_number(file, "the norm epsilon", c.norm_epsilon);
  check_number(file, "the rotary base", c.rope_theta);
  check_number(file, "the rotary scaling factor", c.rope_scaling.factor);
  check_number(file, "the rotary low frequency factor", c.rope_scaling.low_frequency_factor);
  check_number(file, "the rotary high frequency factor", c.rope_scaling.high_frequency_factor);
  check_range(file, "the rotary original context", c.rope_scaling.original_context,
              std::int64_t{1} << 31);
  if (!c.rope_factors.empty() &&
      c.rope_factors.size() != static_cast<std::size_t>(c.head_width / 2))
    throw UserError(fmt::format("'{}': {} rotary factors for a head width of {}", file,
                                c.rope_factors.size(), c.head_width),
                    "expected one per pair", "");
  for (double factor : c.rope_factors)
    check_number(file, "a rotary factor", factor);
}

std::string context_text(const ModelConfig& config) {
  if (config.sliding_window == 0 || config.sliding_window > config.context)
    return fmt::format("{}", config.context);
  return fmt::format("{}, its sliding window: attention with forgetting is not supported",
                     config.context);
}

void refuse_architecture(const std::string& file, const std::string& architecture) {
  throw UserError(fmt::format("'{}': architecture '{}' is not supported", file, architecture),
                  "supported: GGUF llama, qwen2, qwen3; Hugging Face LlamaForCausalLM, "
                  "MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM",
                  "");
}

void refuse_rope_scaling(const std::string& file, const std::string& kind) {
  throw UserError(fmt::format("'{}': rotary scaling '{}' is not supported", file, kind),
                  "supported: none, linear, llama3", "");
}

} // namespace peakbench::llm
