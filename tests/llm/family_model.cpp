#include "family_model.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "support/support.h"

namespace peakbench::llm::testing {

using nlohmann::json;
using peakbench::testing::write_file;

namespace {

json golden(const char* name) {
  return json::parse(peakbench::testing::read_file(peakbench::testing::source_folder() /
                                                   "tests/llm/golden" / name));
}

// Integers from -64 to 63 times a power of two: exact in every file type.
struct Drawn {
  std::vector<int> integers;
  double scale = 0, offset = 0; // value = offset + scale * integer

  std::vector<float> values() const {
    std::vector<float> all;
    for (int q : integers)
      all.push_back(static_cast<float>(offset + scale * q));
    return all;
  }
};

Drawn draw(const std::string& name, std::size_t count, bool tied) {
  Drawn drawn;
  for (std::uint64_t bits : family_bits(name, count))
    drawn.integers.push_back(static_cast<int>(bits >> 57) - 64);
  if (name.ends_with("norm.weight")) {
    const double size = name == "model.norm.weight" && tied ? 16 : 1;
    drawn.scale = size / 128;
    drawn.offset = size;
  } else {
    const int exponent = name.ends_with("embed_tokens.weight") ? -10
                         : name.ends_with("lm_head.weight")    ? -6
                         : name.ends_with("bias")              ? -5
                                                               : -8;
    drawn.scale = std::ldexp(1.0, exponent);
  }
  return drawn;
}

std::size_t elements(const json& shape) {
  std::size_t count = 1;
  for (const json& size : shape)
    count *= size.get<std::size_t>();
  return count;
}

std::string encoded(const std::vector<float>& values, FileType type) {
  std::string bytes;
  for (float value : values)
    bytes += type == FileType::f16    ? bytes_of(c10::Half(value).x)
             : type == FileType::bf16 ? bytes_of(c10::BFloat16(value).x)
                                      : bytes_of(value);
  return bytes;
}

std::string blocks_of_q8_0(const Drawn& drawn) {
  std::string bytes;
  for (std::size_t i = 0; i < drawn.integers.size(); ++i) {
    if (i % 32 == 0)
      bytes += bytes_of(c10::Half(static_cast<float>(drawn.scale)).x);
    bytes += static_cast<char>(drawn.integers[i]);
  }
  return bytes;
}

bool is_tied(const json& family) { return family["config"]["tie_word_embeddings"].get<bool>(); }

struct Shape {
  std::int64_t width, heads, kv_heads, head_width;
};
Shape shape_of(const json& config) {
  const auto width = config["hidden_size"].get<std::int64_t>();
  const auto heads = config["num_attention_heads"].get<std::int64_t>();
  const json head = config.value("head_dim", json());
  return {width, heads, config["num_key_value_heads"].get<std::int64_t>(),
          head.is_null() ? width / heads : head.get<std::int64_t>()};
}

// Row `r` of the file holds row `source[r]`: pairs (i, i + half) of a head next to each other.
std::vector<std::size_t> interleaved_rows(std::int64_t heads, std::int64_t head_width) {
  std::vector<std::size_t> source;
  for (std::int64_t head = 0; head < heads; ++head)
    for (std::int64_t pair = 0; pair < head_width / 2; ++pair)
      for (std::int64_t half = 0; half < 2; ++half)
        source.push_back(
            static_cast<std::size_t>(head * head_width + half * head_width / 2 + pair));
  return source;
}

std::string gguf_name(const std::string& name) {
  static const std::map<std::string, std::string> names{{"embed_tokens", "token_embd"},
                                                        {"lm_head", "output"},
                                                        {"norm", "output_norm"},
                                                        {"input_layernorm", "attn_norm"},
                                                        {"q_proj", "attn_q"},
                                                        {"k_proj", "attn_k"},
                                                        {"v_proj", "attn_v"},
                                                        {"q_norm", "attn_q_norm"},
                                                        {"k_norm", "attn_k_norm"},
                                                        {"o_proj", "attn_output"},
                                                        {"gate_proj", "ffn_gate"},
                                                        {"up_proj", "ffn_up"},
                                                        {"post_attention_layernorm", "ffn_norm"},
                                                        {"down_proj", "ffn_down"}};
  const std::size_t dot = name.rfind('.');
  const std::size_t before = name.rfind('.', dot - 1);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  const std::string part = names.at(name.substr(begin, dot - begin)) + name.substr(dot);
  const std::string layers = "model.layers.";
  if (!name.starts_with(layers))
    return part;
  return "blk." + name.substr(layers.size(), name.find('.', layers.size()) - layers.size()) + "." +
         part;
}

std::vector<std::uint64_t> gguf_dimensions(const json& shape) {
  auto dimensions = shape.get<std::vector<std::uint64_t>>();
  return {dimensions.rbegin(), dimensions.rend()};
}

// The metadata, without tensors.
GgufWriter header_of(const json& family) {
  const json& config = family["config"];
  const Shape shape = shape_of(config);
  const auto architecture = family["gguf"].get<std::string>();
  const std::string a = architecture + ".";
  const auto integer = [&](const char* key) { return config[key].get<std::uint32_t>(); };
  GgufWriter writer;
  writer.text("general.architecture", architecture)
      .integer(a + "block_count", integer("num_hidden_layers"))
      .integer(a + "context_length", integer("max_position_embeddings"))
      .integer(a + "embedding_length", integer("hidden_size"))
      .integer(a + "feed_forward_length", integer("intermediate_size"))
      .integer(a + "attention.head_count", integer("num_attention_heads"))
      .integer(a + "attention.head_count_kv", integer("num_key_value_heads"))
      .number(a + "attention.layer_norm_rms_epsilon", config["rms_norm_eps"].get<float>())
      .number(a + "rope.freq_base", config["rope_theta"].get<float>());
  if (shape.head_width != shape.width / shape.heads)
    writer.integer(a + "attention.key_length", static_cast<std::uint32_t>(shape.head_width))
        .integer(a + "attention.value_length", static_cast<std::uint32_t>(shape.head_width));
  if (const json scaling = config.value("rope_scaling", json());
      scaling.is_object() && scaling["rope_type"] == "linear")
    writer.text(a + "rope.scaling.type", "linear")
        .number(a + "rope.scaling.factor", scaling["factor"].get<float>());
  if (const json window = config.value("sliding_window", json()); window.is_number())
    writer.integer(a + "attention.sliding_window", window.get<std::uint32_t>());
  add_tokenizer(writer, family["tokenizer"].get<std::string>());
  return writer;
}

// Bytes of one block, type number in GGUF, and where its float16 scales lie.
struct BlockType {
  std::size_t elements, bytes;
  std::uint32_t type;
  std::map<std::size_t, double> scales;
};
const std::map<std::string, BlockType>& block_types() {
  static const std::map<std::string, BlockType> types{
      {"Q4_0", {32, 18, 2, {{0, 0x1p-6}}}},
      {"Q5_0", {32, 22, 6, {{0, 0x1p-7}}}},
      {"Q4_K", {256, 144, 12, {{0, 0x1p-12}, {2, 7.5 * 0x1p-12}}}},
      {"Q5_K", {256, 176, 13, {{0, 0x1p-13}, {2, 15.5 * 0x1p-13}}}},
      {"Q6_K", {256, 210, 14, {{208, 0x1p-14}}}}};
  return types;
}

std::string random_blocks(const std::string& name, const BlockType& type, std::size_t count) {
  std::string bytes;
  for (std::uint64_t bits : family_bits(name, count / type.elements * type.bytes))
    bytes += static_cast<char>(bits >> 56);
  for (std::size_t at = 0; at < bytes.size(); at += type.bytes)
    for (const auto& [offset, scale] : type.scales)
      bytes.replace(at + offset, 2, bytes_of(c10::Half(static_cast<float>(scale)).x));
  return bytes;
}

} // namespace

const json& golden_families() {
  static const json file = golden("families.json");
  return file;
}
const json& golden_tokenizers() {
  static const json file = golden("tokenizers.json");
  return file;
}

std::vector<std::uint64_t> family_bits(const std::string& name, std::size_t count) {
  std::uint64_t state = 0xCBF29CE484222325;
  for (const char c : name)
    state = (state ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  std::vector<std::uint64_t> all;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    all.push_back(z ^ (z >> 31));
  }
  return all;
}

std::vector<std::int32_t> family_prompt(std::int64_t length) {
  const auto vocabulary = golden_families()["vocabulary"].get<std::uint64_t>();
  std::vector<std::int32_t> ids;
  for (std::uint64_t bits : family_bits("prompt", static_cast<std::size_t>(length)))
    ids.push_back(static_cast<std::int32_t>(bits % vocabulary));
  return ids;
}

void write_family(const std::filesystem::path& folder, const json& family, FileType type,
                  std::size_t shards) {
  const char* dtype = type == FileType::f16 ? "F16" : type == FileType::bf16 ? "BF16" : "F32";
  std::vector<std::vector<SafeTensor>> files(shards);
  json index;
  const auto file_name = [&](std::size_t i) {
    return shards == 1 ? "model.safetensors"
                       : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards);
  };
  std::size_t next = 0;
  for (const auto& [name, shape] : family["tensors"].items()) {
    const std::size_t i = next++ * shards / family["tensors"].size();
    const Drawn drawn = draw(name, elements(shape), is_tied(family));
    files[i].push_back(
        {name, dtype, shape.get<std::vector<std::int64_t>>(), encoded(drawn.values(), type)});
    index["weight_map"][name] = file_name(i);
  }
  for (std::size_t i = 0; i < shards; ++i)
    write_file(folder / file_name(i), safetensors_bytes(files[i]));
  if (shards > 1)
    write_file(folder / "model.safetensors.index.json", index.dump());
  write_file(folder / "config.json", family["config"].dump());
  const auto tokenizer = family["tokenizer"].get<std::string>();
  write_file(folder / "tokenizer.json", golden_tokenizers()[tokenizer]["file"].dump());
}

void add_tokenizer(GgufWriter& writer, const std::string& name) {
  const json& file = golden_tokenizers()[name]["file"];
  const bool sentencepiece = file["model"]["byte_fallback"].get<bool>();
  std::vector<std::string> tokens(file["model"]["vocab"].size() + file["added_tokens"].size());
  std::vector<std::int32_t> types(tokens.size(), 1);
  std::size_t count = 0;
  const auto put = [&](const std::string& text, std::size_t id, std::int32_t type) {
    tokens[id] = text;
    types[id] = type;
    count = std::max(count, id + 1);
  };
  for (const auto& [text, id] : file["model"]["vocab"].items())
    put(text, id.get<std::size_t>(), sentencepiece && text.starts_with("<0x") ? 6 : 1);
  for (const json& token : file["added_tokens"])
    put(token["content"].get<std::string>(), token["id"].get<std::size_t>(),
        token["content"] == "<unk>"    ? 2
        : token["special"].get<bool>() ? 3
                                       : 4);
  tokens.resize(count);
  types.resize(count);
  writer.text("tokenizer.ggml.model", sentencepiece ? "llama" : "gpt2")
      .text("tokenizer.ggml.pre", sentencepiece       ? "default"
                                  : name == "llama-3" ? "llama-bpe"
                                                      : name)
      .texts("tokenizer.ggml.tokens", tokens)
      .integers("tokenizer.ggml.token_type", types);
  if (sentencepiece) { // the pieces stand in the order of their scores
    std::vector<float> scores;
    for (std::size_t id = 0; id < count; ++id)
      scores.push_back(types[id] == 1 ? 259.0f - static_cast<float>(id) : 0.0f);
    writer.numbers("tokenizer.ggml.scores", scores).integer("tokenizer.ggml.bos_token_id", 1);
    return;
  }
  writer.texts("tokenizer.ggml.merges", file["model"]["merges"].get<std::vector<std::string>>());
  if (name == "llama-3")
    writer.integer("tokenizer.ggml.bos_token_id",
                   file["added_tokens"][0]["id"].get<std::uint32_t>());
}

GgufWriter family_gguf(const json& family, const GgufChoice& choice) {
  GgufWriter writer = header_of(family);
  const Shape heads = shape_of(family["config"]);
  for (const auto& [name, shape] : family["tensors"].items()) {
    Drawn drawn = draw(name, elements(shape), is_tied(family));
    const bool query = name.find(".q_proj.") != std::string::npos;
    if (choice.interleave && (query || name.find(".k_proj.") != std::string::npos)) {
      const auto source = interleaved_rows(query ? heads.heads : heads.kv_heads, heads.head_width);
      const std::size_t columns = drawn.integers.size() / source.size();
      std::vector<int> rows;
      for (std::size_t row : source)
        for (std::size_t column = 0; column < columns; ++column)
          rows.push_back(drawn.integers[row * columns + column]);
      drawn.integers = std::move(rows);
    }
    const FileType type = shape.size() > 1 ? choice.type : FileType::f32;
    constexpr std::uint32_t numbers[] = {0, 1, 30, 8};
    writer.tensor(gguf_name(name), gguf_dimensions(shape), numbers[static_cast<std::size_t>(type)],
                  type == FileType::q8_0 ? blocks_of_q8_0(drawn) : encoded(drawn.values(), type));
  }
  if (choice.rope_factors && family.contains("rope_factors")) {
    const auto factors = family["rope_factors"].get<std::vector<float>>();
    writer.tensor("rope_freqs.weight", {factors.size()}, 0, bytes_of(factors));
  }
  return writer;
}

GgufWriter mixed_gguf() {
  const json& family = golden_families()["mixed"];
  GgufWriter writer = header_of(family);
  for (const auto& [name, shape] : family["tensors"].items()) {
    const std::size_t count = elements(shape);
    const auto kind = family["types"][name].get<std::string>();
    if (kind == "F32") {
      writer.tensor(gguf_name(name), gguf_dimensions(shape), 0,
                    bytes_of(draw(name, count, false).values()));
      continue;
    }
    const BlockType& type = block_types().at(kind);
    writer.tensor(gguf_name(name), gguf_dimensions(shape), type.type,
                  random_blocks(name, type, count));
  }
  return writer;
}

} // namespace peakbench::llm::testing
