// Writes the files that fuzzing begins with: FOLDER/<target>/<name>. All of them are small and
// complete, since mutations of what loads reach furthest.
// usage: fuzz_seeds FOLDER SOURCE (the repository, for its configurations)
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "llm/model_writer.h"
#include "support/support.h"

namespace fs = std::filesystem;

// As the writers of models want it; the tests' own knows where the repository is and more.
void peakbench::testing::write_file(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

namespace {

using peakbench::testing::write_file;
using namespace peakbench::llm::testing;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

constexpr const char* kChatMl =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] | trim + '<|im_end|>' }}\n{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

// One layer of width 32 (a block of most quantised types), 2 heads with 1 of keys and values,
// feed-forward 32; matrices of ggml's type `type`, of which 32 elements take `block` bytes.
GgufWriter tiny_gguf(const std::string& architecture, std::uint32_t type, std::size_t block) {
  GgufWriter writer;
  const std::string a = architecture + ".";
  writer.text("general.architecture", architecture).integer("general.alignment", 32);
  writer.integer(a + "block_count", 1).integer(a + "context_length", 64);
  writer.integer(a + "embedding_length", 32).integer(a + "feed_forward_length", 32);
  writer.integer(a + "attention.head_count", 2).integer(a + "attention.head_count_kv", 1);
  writer.number(a + "attention.layer_norm_rms_epsilon", 1e-5f);
  writer.number(a + "rope.freq_base", 1e4f);
  const auto add = [&](const std::string& name, std::vector<std::uint64_t> dimensions) {
    const bool vector = dimensions.size() == 1;
    const std::uint64_t elements = vector ? dimensions[0] : dimensions[0] * dimensions[1];
    writer.tensor(name, dimensions, vector ? 0 : type,
                  std::string(vector ? elements * 4 : elements / 32 * block, '\x3c'));
  };
  add("token_embd.weight", {32, 8});
  add("output_norm.weight", {32});
  const std::string layer = "blk.0.";
  for (const char* norm : {"attn_norm", "ffn_norm"})
    add(layer + norm + ".weight", {32});
  for (const char* name : {"attn_q", "attn_output", "ffn_gate", "ffn_up", "ffn_down"})
    add(layer + name + ".weight", {32, 32});
  for (const char* name : {"attn_k", "attn_v"})
    add(layer + name + ".weight", {32, 16});
  if (architecture == "qwen2")
    for (const auto& [name, size] :
         {std::pair{"attn_q", 32u}, std::pair{"attn_k", 16u}, std::pair{"attn_v", 16u}})
      add(layer + name + ".bias", {size});
  if (architecture == "qwen3")
    for (const char* name : {"attn_q_norm", "attn_k_norm"})
      add(layer + name + ".weight", {16});
  return writer;
}

void byte_level(GgufWriter& writer, const std::string& pre) {
  writer.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", pre);
  writer.texts("tokenizer.ggml.tokens", {"a", "b", "ab", "\xC4\xA0",
                                         "\xC4\xA0"
                                         "ab",
                                         "<s>", "</s>"});
  writer.texts("tokenizer.ggml.merges", {"a b", "\xC4\xA0 ab"});
  writer.integers("tokenizer.ggml.token_type", {1, 1, 1, 1, 1, 3, 3});
  writer.integer("tokenizer.ggml.bos_token_id", 5).integer("tokenizer.ggml.eos_token_id", 6);
  writer.text("tokenizer.chat_template", kChatMl);
}

void sentencepiece(GgufWriter& writer) {
  writer.text("tokenizer.ggml.model", "llama");
  writer.texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>", "<0x0A>", "\xE2\x96\x81", "a",
                                         "\xE2\x96\x81"
                                         "a"});
  writer.numbers("tokenizer.ggml.scores", {0, 0, 0, 0, -1, -2, -3});
  writer.integers("tokenizer.ggml.token_type", {2, 3, 3, 6, 1, 1, 1});
  writer.boolean("tokenizer.ggml.add_bos_token", true);
  writer.boolean("tokenizer.ggml.add_space_prefix", false);
}

void write_gguf(const fs::path& folder) {
  struct Type {
    const char* name;
    std::uint32_t number;
    std::size_t block;
  };
  for (const Type& type : {Type{"f16", 1, 64}, Type{"q4_0", 2, 18}, Type{"q4_1", 3, 20},
                           Type{"q5_0", 6, 22}, Type{"q5_1", 7, 24}, Type{"q8_0", 8, 34}}) {
    GgufWriter writer = tiny_gguf("llama", type.number, type.block);
    byte_level(writer, "smollm");
    write_file(folder / (std::string("llama_") + type.name), writer.bytes());
  }
  for (const char* architecture : {"qwen2", "qwen3"}) {
    GgufWriter writer = tiny_gguf(architecture, 30, 64); // BF16
    byte_level(writer, "qwen2");
    write_file(folder / architecture, writer.bytes());
  }
  GgufWriter writer = tiny_gguf("llama", 8, 34);
  sentencepiece(writer);
  writer.integer("llama.attention.sliding_window", 32).number("llama.rope.scaling.factor", 2);
  writer.tensor("rope_freqs.weight", {8}, 0, std::string(32, '\x3f'));
  write_file(folder / "sentencepiece", writer.bytes());
  GgufWriter blocks; // of 256 elements, as no layer of this width has
  blocks.tensor("k4", {256}, 12, std::string(144, 'x'))
      .tensor("k5", {256}, 13, std::string(176, 'y'));
  blocks.tensor("k6", {256, 2}, 14, std::string(420, 'z'));
  write_file(folder / "k_blocks", blocks.bytes());
}

std::string tiny_config(const std::string& architecture, const std::string& more) {
  return R"({"architectures": [")" + architecture + R"("], "hidden_size": 4, "intermediate_size": 4,
 "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 3,
 "max_position_embeddings": 16, "rms_norm_eps": 1e-6, "hidden_act": "silu")" +
         more + "}";
}

void write_safetensors(const fs::path& folder) {
  for (const auto& [architecture, dtype, size] :
       {std::tuple{"LlamaForCausalLM", "F32", 4}, std::tuple{"MistralForCausalLM", "F16", 2},
        std::tuple{"Qwen2ForCausalLM", "BF16", 2}, std::tuple{"Qwen3ForCausalLM", "F32", 4}}) {
    std::vector<SafeTensor> tensors;
    const auto add = [&, dtype = dtype, size = size](const std::string& name,
                                                     std::vector<std::int64_t> shape) {
      std::size_t bytes = static_cast<std::size_t>(size);
      for (const std::int64_t extent : shape)
        bytes *= static_cast<std::size_t>(extent);
      tensors.push_back({name, dtype, shape, std::string(bytes, '\x3c')});
    };
    add("model.embed_tokens.weight", {3, 4});
    add("model.norm.weight", {4});
    const std::string layer = "model.layers.0.", attention = layer + "self_attn.";
    for (const char* norm : {"input_layernorm.weight", "post_attention_layernorm.weight"})
      add(layer + norm, {4});
    for (const char* name : {"q_proj", "o_proj"})
      add(attention + name + ".weight", {4, 4});
    for (const char* name : {"k_proj", "v_proj"})
      add(attention + name + ".weight", {2, 4});
    for (const char* name : {"gate_proj", "up_proj", "down_proj"})
      add(layer + "mlp." + name + ".weight", {4, 4});
    const std::string_view kind = architecture;
    if (kind.starts_with("Qwen2"))
      for (const auto& [name, rows] :
           {std::pair{"q_proj", 4}, std::pair{"k_proj", 2}, std::pair{"v_proj", 2}})
        add(attention + name + ".bias", {rows});
    if (kind.starts_with("Qwen3"))
      for (const char* name : {"q_norm", "k_norm"})
        add(attention + name + ".weight", {2});
    const std::string rope =
        kind.starts_with("Llama")
            ? R"(, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,)"
              R"( "high_freq_factor": 4.0, "original_max_position_embeddings": 8})"
            : "";
    const std::string bytes = safetensors_bytes(tensors);
    write_file(folder / architecture, bytes + "\n@config.json\n" + tiny_config(architecture, rope));
    write_file(folder / (architecture + std::string("_alone")), bytes);
  }
}

void write_tokenizers(const fs::path& folder) {
  const std::string config =
      "\n@tokenizer_config.json\n{\"bos_token\": \"<s>\", \"eos_token\": {\"content\": \"</s>\"}, "
      "\"add_bos_token\": true, \"chat_template\": [{\"name\": \"default\", \"template\": \"{{ "
      "messages[0].content }}\"}]}";
  const std::string added = R"json("added_tokens": [
  {"id": 5, "content": "<s>", "special": true, "lstrip": true, "rstrip": true},
  {"id": 6, "content": "</s>", "special": true},
  {"id": 7, "content": "cafe", "special": false, "normalized": true}])json";
  write_file(folder / "byte_level", "{" + added + R"json(,
"normalizer": {"type": "NFC"},
"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
  {"type": "Split", "pattern": {"Regex": "\\p{N}{1,3}|\\s+(?!\\S)|(?i:'s|'t)"},
   "behavior": "Isolated", "invert": false},
  {"type": "Digits", "individual_digits": true},
  {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}]},
"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}],
  "special_tokens": {"<s>": {"ids": [5]}}},
"model": {"type": "BPE", "ignore_merges": true, "merges": ["a b", ["Ġ", "ab"]],
  "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4}}})json" +
                                        config);
  write_file(folder / "sentencepiece", "{" + added + R"json(,
"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
  {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
"pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "first", "split": false},
"model": {"type": "BPE", "byte_fallback": true, "merges": ["▁ a"],
  "vocab": {"<unk>": 0, "<0x41>": 1, "a": 2, "▁": 3, "▁a": 4}}})json" +
                                           config +
                                           "\n@generation_config.json\n{\"eos_token_id\": [6]}");
  write_file(folder / "with_template",
             huggingface_tokenizer() + "\n@chat_template.jinja\n" + kChatMl);
}

void write_templates(const fs::path& folder) {
  write_file(folder / "chatml", kChatMl);
  write_file(
      folder / "llama2",
      "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}"
      "{% set loop_messages = messages[1:] %}{% else %}{% set loop_messages = messages %}"
      "{% endif %}{% for m in loop_messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0)"
      " %}{{ raise_exception('roles must alternate') }}{% endif %}{{- bos_token + '[INST] ' + "
      "m.content.strip() ~ ' [/INST]' -}}{% endfor %}");
  write_file(
      folder / "namespace",
      "{%- set ns = namespace(found=false, n=0) %}{%- for m in messages if m.role is defined and "
      "m.role in ['user', \"tool\"] %}{%- set ns.found = true %}{%- set ns.n = ns.n + 1 * 2 // 3 %}"
      "{{ m['content'] | default('', true) | upper if loop.last and not ns.found else m.content }}"
      "{% elif tools is none %}{{ [1, 2][-1:] | join(', ') }}{% else %}{% set x %}a{{ {'k': (1, 2)}"
      ".k[0] }}{% endset %}{{ x.split('a')[::-1] | first }}{% endfor %}{# done #}"
      "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}");
}

void write_llama2c(const fs::path& folder) {
  std::string tokenizer = bytes_of<std::uint32_t>(5);
  for (int id = 0; id < 262; ++id) {
    const std::string text = id < 3     ? "<s>"
                             : id < 259 ? "<0x0A>"
                                        : std::string("a") + char('a' + id % 7);
    tokenizer += bytes_of(static_cast<float>(-id)) +
                 bytes_of<std::int32_t>(static_cast<int>(text.size())) + text;
  }
  write_file(folder / "tokenizer", tokenizer);
  // Width 4, feed-forward 4, 1 layer, 2 heads, 1 of keys and values, 262 tokens, context 2.
  const std::vector<std::int32_t> header{4, 4, 1, 2, 1, 262, 2};
  const std::size_t floats = 262 * 4 + 4 + 16 + 8 + 8 + 16 + 4 + 3 * 16 + 4 + 2 * 2;
  write_file(folder / "model",
             tokenizer + "\n@model.bin\n" + bytes_of(header) + std::string(floats * 4, '\x3c'));
}

void write_configs(const fs::path& folder, const fs::path& source) {
  for (const fs::directory_entry& entry : fs::directory_iterator(source / "configs"))
    if (entry.path().extension() == ".yaml")
      write_file(folder / entry.path().filename(), text_of(entry.path()));
  write_file(folder / "overrides",
             "eab:\n  arms: [cow]\n\n@set\neab.threshold=[0.1, 0.2]\nseed=7\n"
             "eab.prompts={generate: {tokens: [8], count: 2}}\nrepeats=null\nep.width=4");
  write_file(folder / "anchors",
             "a: &a {x: &x [1, 2], y: *x}\nb:\n  <<: *a\n? z\n: !!str \"q\\u00e9\"\n"
             "c: |-\n  text\n  more\nd: >+\n  folded\n\n---\nsecond: document\n");
}

// Choices mean nothing by themselves: many, so that the first mutations begin with many changes.
void write_choices(const fs::path& folder) {
  std::mt19937 random(1);
  for (int seed = 0; seed < 64; ++seed) {
    std::string bytes(static_cast<std::size_t>(4 * (seed + 4)), '\0');
    for (char& byte : bytes)
      byte = static_cast<char>(random());
    write_file(folder / std::to_string(seed), bytes);
  }
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: fuzz_seeds FOLDER SOURCE\n", stderr);
    return 2;
  }
  const fs::path folder = argv[1];
  write_gguf(folder / "gguf");
  write_safetensors(folder / "safetensors");
  write_tokenizers(folder / "tokenizer");
  write_templates(folder / "chat_template");
  write_llama2c(folder / "llama2c");
  write_configs(folder / "config", argv[2]);
  write_choices(folder / "results");
  return 0;
}
