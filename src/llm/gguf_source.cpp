#include "llm/gguf_source.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "llm/gguf_file.h"
#include "llm/gguf_tokenizer.h"
#include "llm/model_source_stored.h"

namespace peakbench::llm {

namespace {

struct NamePair {
  std::string_view gguf, huggingface;
};
constexpr std::array<NamePair, 3> kGlobalNames{{
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
}};
constexpr std::array<NamePair, 14> kLayerNames{{
    {"attn_norm.weight", "input_layernorm.weight"},
    {"attn_q.weight", "self_attn.q_proj.weight"},
    {"attn_k.weight", "self_attn.k_proj.weight"},
    {"attn_v.weight", "self_attn.v_proj.weight"},
    {"attn_q.bias", "self_attn.q_proj.bias"},
    {"attn_k.bias", "self_attn.k_proj.bias"},
    {"attn_v.bias", "self_attn.v_proj.bias"},
    {"attn_q_norm.weight", "self_attn.q_norm.weight"},
    {"attn_k_norm.weight", "self_attn.k_norm.weight"},
    {"attn_output.weight", "self_attn.o_proj.weight"},
    {"ffn_norm.weight", "post_attention_layernorm.weight"},
    {"ffn_gate.weight", "mlp.gate_proj.weight"},
    {"ffn_up.weight", "mlp.up_proj.weight"},
    {"ffn_down.weight", "mlp.down_proj.weight"},
}};
constexpr std::string_view kRopeFactors = "rope_freqs.weight";

// Hugging Face's name of a GGUF tensor, the GGUF one if there is none.
std::string huggingface_name(const std::string& name) {
  for (const NamePair& pair : kGlobalNames)
    if (pair.gguf == name)
      return std::string(pair.huggingface);
  if (!name.starts_with("blk."))
    return name;
  const std::size_t dot = name.find('.', 4);
  if (dot == std::string::npos)
    return name;
  const std::string layer = name.substr(4, dot - 4), rest = name.substr(dot + 1);
  for (const NamePair& pair : kLayerNames)
    if (pair.gguf == rest)
      return "model.layers." + layer + "." + std::string(pair.huggingface);
  return name;
}

class GgufSource final : public StoredSource {
public:
  explicit GgufSource(const std::string& path) : StoredSource(path), file_(path) {
    if (file_.integer("split.count").value_or(1) > 1)
      throw UserError(fmt::format("'{}' is one part of a split model", path), "not supported",
                      "Join the parts with llama-gguf-split --merge");
    read_config();
    take_tensors();
    tokenizer_ = read_gguf_tokenizer(file_);
    check();
  }

private:
  std::string key(const char* name) const { return config_.architecture + "." + name; }
  void read_config();
  void read_rope();
  void take_tensors();

  GgufFile file_;
};

void GgufSource::read_config() {
  ModelConfig& c = config_;
  c.name = std::filesystem::path(path_).filename().string();
  c.format = "gguf";
  c.architecture = file_.needed_text("general.architecture");
  if (c.architecture != "llama" && c.architecture != "qwen2" && c.architecture != "qwen3")
    refuse_architecture(path_, c.architecture);
  if (const auto experts = file_.integer(key("expert_count")); experts.value_or(0) > 0)
    refuse_architecture(path_, fmt::format("{} with {} experts", c.architecture, *experts));
  c.layers = file_.needed_integer(key("block_count"));
  c.width = file_.needed_integer(key("embedding_length"));
  c.heads = file_.needed_integer(key("attention.head_count"));
  c.kv_heads = file_.integer(key("attention.head_count_kv")).value_or(c.heads);
  c.mlp_width = file_.needed_integer(key("feed_forward_length"));
  c.context = file_.needed_integer(key("context_length"));
  if (c.heads < 1)
    throw UserError(fmt::format("'{}': {} attention heads", path_, c.heads));
  c.head_width = file_.integer(key("attention.key_length")).value_or(c.width / c.heads);
  if (file_.integer(key("attention.value_length")).value_or(c.head_width) != c.head_width)
    refuse_architecture(path_, c.architecture + " with values of another width than keys");
  if (const auto window = file_.integer(key("attention.sliding_window")); window && *window > 0) {
    c.sliding_window = *window;
    c.context = std::min(c.context, *window);
  }
  const auto epsilon = file_.number(key("attention.layer_norm_rms_epsilon"));
  if (!epsilon)
    throw UserError(fmt::format("'{}': metadata '{}' is missing", path_,
                                key("attention.layer_norm_rms_epsilon")));
  c.norm_epsilon = *epsilon;
  const auto& tensors = file_.tensors();
  const auto embedding = tensors.find("token_embd.weight");
  if (embedding == tensors.end())
    throw UserError(fmt::format("'{}' has no tensor 'token_embd.weight'", path_));
  c.vocabulary = embedding->second.shape.front();
  c.tied_embedding = !tensors.contains("output.weight");
  c.qkv_bias = tensors.contains("blk.0.attn_q.bias");
  c.qk_norm = c.architecture == "qwen3";
  read_rope();
}

void GgufSource::read_rope() {
  ModelConfig& c = config_;
  c.rope_theta = file_.number(key("rope.freq_base")).value_or(10000.0);
  if (file_.integer(key("rope.dimension_count")).value_or(c.head_width) != c.head_width)
    refuse_architecture(path_, c.architecture + " with rotary positions on a part of the head");
  // A factor without a type is linear, too; older files have it under the second key.
  const std::string kind(file_.text(key("rope.scaling.type")).value_or("linear"));
  if (kind != "none" && kind != "linear")
    refuse_rope_scaling(path_, kind);
  auto factor = file_.number(key("rope.scaling.factor"));
  if (!factor)
    factor = file_.number(key("rope.scale_linear"));
  if (const double divisor = factor.value_or(0); kind == "linear" && divisor != 0 && divisor != 1) {
    c.rope_scaling.kind = kind; // 0 means none
    c.rope_scaling.factor = divisor;
  }
  // Llama 3's scaling is stored as its result, a divisor of each pair's frequency.
  if (const auto found = file_.tensors().find(std::string(kRopeFactors));
      found != file_.tensors().end()) {
    const StoredTensor& stored = found->second;
    if (stored.type != StorageType::f32 || stored.elements() != c.head_width / 2)
      throw UserError(fmt::format("'{}': tensor '{}' is not {} values of F32", path_, kRopeFactors,
                                  c.head_width / 2));
    std::vector<float> factors(static_cast<std::size_t>(stored.elements()));
    dequantize(stored.type, stored.data.data(), stored.elements(), factors.data());
    c.rope_factors.assign(factors.begin(), factors.end());
  }
}

void GgufSource::take_tensors() {
  for (const auto& [name, stored] : file_.tensors()) {
    if (name == kRopeFactors)
      continue;
    StoredTensor tensor = stored;
    if (config_.architecture == "llama") {
      if (name.ends_with("attn_q.weight") || name.ends_with("attn_q.bias"))
        tensor.interleaved_heads = config_.heads;
      if (name.ends_with("attn_k.weight") || name.ends_with("attn_k.bias"))
        tensor.interleaved_heads = config_.kv_heads;
    }
    tensors_.emplace(huggingface_name(name), std::move(tensor));
  }
}

} // namespace

std::unique_ptr<ModelSource> open_gguf(const std::string& path) {
  return std::make_unique<GgufSource>(path);
}

} // namespace peakbench::llm
