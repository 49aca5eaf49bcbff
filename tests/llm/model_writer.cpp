#include "model_writer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "support/support.h"

namespace peakbench::llm::testing {

namespace {

std::string string_bytes(const std::string& text) {
  return bytes_of<std::uint64_t>(text.size()) + text;
}
std::string array_header(std::uint32_t type, std::size_t count) {
  return bytes_of(type) + bytes_of<std::uint64_t>(count);
}
void pad(std::string& bytes) { bytes.resize((bytes.size() + 31) / 32 * 32, '\0'); }

} // namespace

GgufWriter& GgufWriter::raw(const std::string& key, std::uint32_t type, const std::string& value) {
  remove(key);
  values_.emplace_back(key, bytes_of(type) + value);
  return *this;
}
GgufWriter& GgufWriter::text(const std::string& key, const std::string& value) {
  return raw(key, 8, string_bytes(value));
}
GgufWriter& GgufWriter::integer(const std::string& key, std::uint32_t value) {
  return raw(key, 4, bytes_of(value));
}
GgufWriter& GgufWriter::number(const std::string& key, float value) {
  return raw(key, 6, bytes_of(value));
}
GgufWriter& GgufWriter::boolean(const std::string& key, bool value) {
  return raw(key, 7, bytes_of<std::uint8_t>(value));
}
GgufWriter& GgufWriter::texts(const std::string& key, const std::vector<std::string>& values) {
  std::string bytes = array_header(8, values.size());
  for (const std::string& value : values)
    bytes += string_bytes(value);
  return raw(key, 9, bytes);
}
GgufWriter& GgufWriter::integers(const std::string& key, const std::vector<std::int32_t>& values) {
  return raw(key, 9, array_header(5, values.size()) + bytes_of(values));
}
GgufWriter& GgufWriter::numbers(const std::string& key, const std::vector<float>& values) {
  return raw(key, 9, array_header(6, values.size()) + bytes_of(values));
}
GgufWriter& GgufWriter::remove(const std::string& key) {
  std::erase_if(values_, [&](const auto& value) { return value.first == key; });
  return *this;
}
GgufWriter& GgufWriter::tensor(const std::string& name,
                               const std::vector<std::uint64_t>& dimensions, std::uint32_t type,
                               const std::string& data) {
  remove_tensor(name);
  tensors_.push_back({name, dimensions, type, data});
  return *this;
}
GgufWriter& GgufWriter::remove_tensor(const std::string& name) {
  std::erase_if(tensors_, [&](const Tensor& tensor) { return tensor.name == name; });
  return *this;
}

std::string GgufWriter::header() const {
  std::string bytes = "GGUF" + bytes_of(version) + bytes_of<std::uint64_t>(tensors_.size()) +
                      bytes_of<std::uint64_t>(values_.size());
  for (const auto& [key, value] : values_)
    bytes += string_bytes(key) + value;
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    bytes += string_bytes(tensor.name);
    bytes += bytes_of(static_cast<std::uint32_t>(tensor.dimensions.size())) +
             bytes_of(tensor.dimensions) + bytes_of(tensor.type) + bytes_of(offset);
    offset += (tensor.data.size() + 31) / 32 * 32;
  }
  return bytes;
}

std::string GgufWriter::bytes() const {
  std::string bytes = header();
  for (const Tensor& tensor : tensors_) {
    pad(bytes);
    bytes += tensor.data;
  }
  return bytes;
}

std::string byte_level(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    const int byte = static_cast<unsigned char>(c);
    const auto printable = [](int b) {
      return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
    };
    int point = byte;
    if (!printable(byte)) {
      point = 256;
      for (int earlier = 0; earlier < byte; ++earlier)
        point += !printable(earlier);
    }
    if (point < 128) {
      text += static_cast<char>(point);
    } else {
      text += static_cast<char>(0xC0 | point >> 6);
      text += static_cast<char>(0x80 | (point & 63));
    }
  }
  return text;
}

std::vector<std::string> small_tokens() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte)
    tokens.push_back(byte_level(std::string(1, static_cast<char>(byte))));
  for (const char* text : {"th", "the", " the"})
    tokens.push_back(byte_level(text));
  for (const char* text : {"<|begin|>", "<|end|>", "<|im_start|>", "<|im_end|>"})
    tokens.emplace_back(text);
  return tokens;
}

std::vector<std::string> small_merges() { return {"t h", "th e", byte_level(" ") + " the"}; }

float weight_value(const std::string& name, std::size_t element) {
  return static_cast<float>(name.size() % 13) - 6.0f + static_cast<float>(element % 1024) / 1024.0f;
}

std::vector<float> weight_values(const std::string& name, std::size_t count) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i)
    values.push_back(weight_value(name, i));
  return values;
}

GgufWriter small_gguf(const std::string& architecture) {
  GgufWriter writer;
  const std::string a = architecture + ".";
  writer.text("general.architecture", architecture)
      .integer(a + "block_count", 2)
      .integer(a + "context_length", 128)
      .integer(a + "embedding_length", 32)
      .integer(a + "feed_forward_length", 64)
      .integer(a + "attention.head_count", 4)
      .integer(a + "attention.head_count_kv", 2)
      .number(a + "attention.layer_norm_rms_epsilon", 1e-6f)
      .number(a + "rope.freq_base", 5000.0f)
      .text("tokenizer.ggml.model", "gpt2")
      .text("tokenizer.ggml.pre", "gpt-2")
      .texts("tokenizer.ggml.tokens", small_tokens())
      .texts("tokenizer.ggml.merges", small_merges())
      .integer("tokenizer.ggml.bos_token_id", 259)
      .integer("tokenizer.ggml.eos_token_id", 260);
  std::vector<std::int32_t> types(259, 1);
  types.insert(types.end(), 4, 3);
  writer.integers("tokenizer.ggml.token_type", types);
  const auto add = [&](const std::string& name, std::vector<std::uint64_t> dimensions) {
    std::size_t count = 1;
    for (std::uint64_t size : dimensions)
      count *= size;
    writer.tensor(name, dimensions, 0, bytes_of(weight_values(name, count)));
  };
  add("token_embd.weight", {32, 263});
  add("output_norm.weight", {32});
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = fmt::format("blk.{}.", layer);
    add(prefix + "attn_norm.weight", {32});
    add(prefix + "attn_q.weight", {32, 32});
    add(prefix + "attn_k.weight", {32, 16});
    add(prefix + "attn_v.weight", {32, 16});
    add(prefix + "attn_output.weight", {32, 32});
    add(prefix + "ffn_norm.weight", {32});
    add(prefix + "ffn_gate.weight", {32, 64});
    add(prefix + "ffn_up.weight", {32, 64});
    add(prefix + "ffn_down.weight", {64, 32});
    if (architecture == "qwen2") {
      add(prefix + "attn_q.bias", {32});
      add(prefix + "attn_k.bias", {16});
      add(prefix + "attn_v.bias", {16});
    }
    if (architecture == "qwen3") {
      add(prefix + "attn_q_norm.weight", {8});
      add(prefix + "attn_k_norm.weight", {8});
    }
  }
  return writer;
}

std::string safetensors_bytes(const std::vector<SafeTensor>& tensors) {
  nlohmann::json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string data;
  for (const SafeTensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {data.size(), data.size() + tensor.data.size()}}};
    data += tensor.data;
  }
  const std::string text = header.dump();
  return bytes_of<std::uint64_t>(text.size()) + text + data;
}

std::string huggingface_config(const std::string& architecture) {
  nlohmann::json config = {{"architectures", {architecture}},
                           {"hidden_size", 32},
                           {"intermediate_size", 64},
                           {"num_hidden_layers", 2},
                           {"num_attention_heads", 4},
                           {"num_key_value_heads", 2},
                           {"max_position_embeddings", 128},
                           {"rms_norm_eps", 1e-6},
                           {"rope_theta", 5000.0},
                           {"vocab_size", 263},
                           {"hidden_act", "silu"},
                           {"tie_word_embeddings", true},
                           {"eos_token_id", 260}};
  return config.dump();
}

std::string huggingface_tokenizer() {
  nlohmann::json vocabulary, added = nlohmann::json::array();
  const auto tokens = small_tokens();
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (id < 259)
      vocabulary[tokens[id]] = id;
    else
      added.push_back(
          {{"id", id}, {"content", tokens[id]}, {"special", true}, {"normalized", false}});
  }
  const nlohmann::json byte_level_step = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
  return nlohmann::json{
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer", byte_level_step},
      {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", small_merges()}}}}
      .dump();
}

std::vector<SafeTensor> write_huggingface(const std::filesystem::path& folder,
                                          const std::string& architecture) {
  std::vector<SafeTensor> tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    std::size_t count = 1;
    for (std::int64_t size : shape)
      count *= static_cast<std::size_t>(size);
    tensors.push_back({name, "F32", shape, bytes_of(weight_values(name, count))});
  };
  add("model.embed_tokens.weight", {263, 32});
  add("model.norm.weight", {32});
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    add(prefix + "input_layernorm.weight", {32});
    add(prefix + "self_attn.q_proj.weight", {32, 32});
    add(prefix + "self_attn.k_proj.weight", {16, 32});
    add(prefix + "self_attn.v_proj.weight", {16, 32});
    add(prefix + "self_attn.o_proj.weight", {32, 32});
    add(prefix + "post_attention_layernorm.weight", {32});
    add(prefix + "mlp.gate_proj.weight", {64, 32});
    add(prefix + "mlp.up_proj.weight", {64, 32});
    add(prefix + "mlp.down_proj.weight", {32, 64});
    if (architecture == "Qwen2ForCausalLM") {
      add(prefix + "self_attn.q_proj.bias", {32});
      add(prefix + "self_attn.k_proj.bias", {16});
      add(prefix + "self_attn.v_proj.bias", {16});
    }
    if (architecture == "Qwen3ForCausalLM") {
      add(prefix + "self_attn.q_norm.weight", {8});
      add(prefix + "self_attn.k_norm.weight", {8});
    }
  }
  using peakbench::testing::write_file;
  write_file(folder / "model.safetensors", safetensors_bytes(tensors));
  write_file(folder / "config.json", huggingface_config(architecture));
  write_file(folder / "tokenizer.json", huggingface_tokenizer());
  return tensors;
}

} // namespace peakbench::llm::testing
