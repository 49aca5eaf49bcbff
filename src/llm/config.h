// Shape and constants of a decoder-only transformer of the Llama family.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace peakbench::llm {

struct RopeScaling {
  // "none", "linear", "llama3"; others are refused when the model is opened.
  std::string kind = "none";
  double factor = 1, low_frequency_factor = 1, high_frequency_factor = 4;
  std::int64_t original_context = 8192;
};

struct ModelConfig {
  std::string name;         // what the user called it, without folders
  std::string architecture; // llama | qwen2 | qwen3 | mistral | ...
  std::string format;       // gguf | huggingface | llama2.c | synthetic
  std::int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_width = 0, mlp_width = 0;
  std::int64_t vocabulary = 0;
  // Tokens that attention may reach: what the file says, or its sliding window where that is less
  // (every layer sees all tokens here, which inside the window is the same).
  std::int64_t context = 0, sliding_window = 0; // 0: none
  double norm_epsilon = 1e-5, rope_theta = 10000;
  RopeScaling rope_scaling;
  std::vector<double> rope_factors; // GGUF rope_freqs.weight: divisors per pair, empty if none
  bool tied_embedding = false;      // the output head is the embedding
  bool qkv_bias = false, qk_norm = false;
  bool random_weights = false; // synthetic:

  // Key and value of one token in all layers.
  std::int64_t kv_bytes_per_token(std::int64_t element_bytes) const {
    return layers * 2 * kv_heads * head_width * element_bytes;
  }
};

struct WeightShape {
  std::string name; // Hugging Face's
  std::vector<std::int64_t> shape;
};
// Every weight the model has, in the order of the forward pass.
std::vector<WeightShape> weight_shapes(const ModelConfig& config);
// Elements of all of them.
std::int64_t count_parameters(const ModelConfig& config);

// UserError naming `file` if a size is missing, absurd or does not fit the others. What passes can
// be multiplied without overflow.
void check_config(const ModelConfig& config, const std::string& file);
// The context for messages, and why it is no longer.
std::string context_text(const ModelConfig& config);
// UserError with the list of supported ones.
[[noreturn]] void refuse_architecture(const std::string& file, const std::string& architecture);
[[noreturn]] void refuse_rope_scaling(const std::string& file, const std::string& kind);

} // namespace peakbench::llm
