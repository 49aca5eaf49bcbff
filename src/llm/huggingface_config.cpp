#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "llm/huggingface.h"
#include "llm/huggingface_json.h"

namespace peakbench::llm {

namespace {

using Json = JsonFile::Json;

struct Family {
  std::string_view huggingface, architecture;
  bool qkv_bias, qk_norm;
};
constexpr std::array<Family, 4> kFamilies{{
    {"LlamaForCausalLM", "llama", false, false},
    {"MistralForCausalLM", "mistral", false, false},
    {"Qwen2ForCausalLM", "qwen2", true, false},
    {"Qwen3ForCausalLM", "qwen3", false, true},
}};

const Family& find_family(const JsonFile& file) {
  const Json* names = file.find(file.root(), "architectures");
  if (!names || !names->is_array() || names->empty() || !names->front().is_string())
    file.fail("'architectures' is missing or names none");
  const std::string name = names->front().get<std::string>();
  for (const Family& family : kFamilies)
    if (family.huggingface == name)
      return family;
  refuse_architecture(file.path(), name);
}

void refuse_if(bool condition, const JsonFile& file, const std::string& architecture,
               const std::string& what) {
  if (condition)
    refuse_architecture(file.path(), architecture + " with " + what);
}

void read_rope(const JsonFile& file, ModelConfig& c) {
  const Json& root = file.root();
  // transformers 5 keeps base and scaling in one object.
  const Json* scaling = file.find(root, "rope_parameters");
  if (!scaling)
    scaling = file.find(root, "rope_scaling");
  const Json none = Json::object();
  const Json& rope = scaling ? *scaling : none;
  if (!rope.is_object())
    file.fail("the rotary scaling is not an object");
  c.rope_theta =
      file.number(root, "rope_theta").value_or(file.number(rope, "rope_theta").value_or(10000.0));
  const std::string kind =
      file.text(rope, "rope_type").value_or(file.text(rope, "type").value_or("default"));
  refuse_if(file.number(rope, "partial_rotary_factor")
                    .value_or(file.number(root, "partial_rotary_factor").value_or(1.0)) != 1.0,
            file, c.architecture, "rotary positions on a part of the head");
  if (kind == "default")
    return;
  if (kind != "linear" && kind != "llama3")
    refuse_rope_scaling(file.path(), kind);
  const auto needed = [&](const char* key) {
    const auto value = file.number(rope, key);
    if (!value)
      file.fail(fmt::format("'{}' of the rotary scaling is missing", key));
    return *value;
  };
  c.rope_scaling.kind = kind;
  c.rope_scaling.factor = needed("factor");
  if (kind == "linear")
    return;
  c.rope_scaling.low_frequency_factor = needed("low_freq_factor");
  c.rope_scaling.high_frequency_factor = needed("high_freq_factor");
  c.rope_scaling.original_context = file.needed_integer(rope, "original_max_position_embeddings");
}

void read_window(const JsonFile& file, ModelConfig& c) {
  const Json& root = file.root();
  const bool mistral = c.architecture == "mistral";
  if (!file.boolean(root, "use_sliding_window").value_or(mistral))
    return;
  std::int64_t window = file.integer(root, "sliding_window").value_or(0);
  // Mistral's files say null where there is none; without the key transformers assumes 4096.
  if (mistral && !root.contains("sliding_window"))
    window = 4096;
  if (window < 1)
    return;
  c.sliding_window = window;
  c.context = std::min(c.context, window);
}

} // namespace

ModelConfig read_huggingface_config(const std::string& path, bool has_head) {
  const JsonFile file(path);
  const Json& root = file.root();
  const Family& family = find_family(file);
  ModelConfig c;
  c.format = "huggingface";
  c.architecture = family.architecture;
  c.qk_norm = family.qk_norm;
  c.layers = file.needed_integer(root, "num_hidden_layers");
  c.width = file.needed_integer(root, "hidden_size");
  c.heads = file.needed_integer(root, "num_attention_heads");
  c.kv_heads = file.integer(root, "num_key_value_heads").value_or(c.heads);
  c.mlp_width = file.needed_integer(root, "intermediate_size");
  c.vocabulary = file.needed_integer(root, "vocab_size");
  c.context = file.needed_integer(root, "max_position_embeddings");
  if (c.heads < 1)
    file.fail(fmt::format("'num_attention_heads' is {}", c.heads));
  c.head_width = file.integer(root, "head_dim").value_or(c.width / c.heads);
  const auto epsilon = file.number(root, "rms_norm_eps");
  if (!epsilon)
    file.fail("'rms_norm_eps' is missing");
  c.norm_epsilon = *epsilon;
  c.tied_embedding = file.boolean(root, "tie_word_embeddings").value_or(!has_head) || !has_head;

  const std::string name(family.huggingface);
  refuse_if(file.find(root, "quantization_config") != nullptr, file, name, "quantised weights");
  const std::string activation = file.text(root, "hidden_act").value_or("silu");
  refuse_if(activation != "silu", file, name, "activation " + activation);
  refuse_if(file.boolean(root, "mlp_bias").value_or(false), file, name, "feed-forward biases");
  // Llama's and Qwen3's attention_bias puts one on the output projection as well.
  refuse_if(file.boolean(root, "attention_bias").value_or(false) && !family.qkv_bias, file, name,
            "attention biases");
  c.qkv_bias = family.qkv_bias;
  read_window(file, c);
  read_rope(file, c);
  return c;
}

} // namespace peakbench::llm
