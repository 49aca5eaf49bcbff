// Shapes of published models: `synthetic:` builds them, reports say what a tree would hold in them.
#pragma once

#include <cstdint>
#include <string_view>

namespace peakbench {

struct ModelShape {
  std::string_view name, architecture;
  std::int64_t layers, width, heads, kv_heads, head_width, mlp_width, vocabulary, context;
  double norm_epsilon, rope_theta;
  bool tied, qkv_bias;
  double llama3_factor; // 0: no scaling
  std::int64_t parameters;

  // Key and value of one token in all layers.
  constexpr std::int64_t kv_bytes_per_token(std::int64_t element_bytes) const {
    return layers * 2 * kv_heads * head_width * element_bytes;
  }
};

// From the config.json of each published model; the count of parameters follows from the rest.
inline constexpr ModelShape kModelShapes[] = {
    {"qwen2.5-0.5b", "qwen2", 24, 896, 14, 2, 64, 4864, 151936, 32768, 1e-6, 1e6, true, true, 0,
     494032768},
    {"qwen2.5-1.5b", "qwen2", 28, 1536, 12, 2, 128, 8960, 151936, 32768, 1e-6, 1e6, true, true, 0,
     1543714304},
    {"qwen2.5-3b", "qwen2", 36, 2048, 16, 2, 128, 11008, 151936, 32768, 1e-6, 1e6, true, true, 0,
     3085938688},
    {"qwen2.5-7b", "qwen2", 28, 3584, 28, 4, 128, 18944, 152064, 32768, 1e-6, 1e6, false, true, 0,
     7615616512},
    {"llama-3.2-1b", "llama", 16, 2048, 32, 8, 64, 8192, 128256, 131072, 1e-5, 5e5, true, false, 32,
     1235814400},
    {"smollm2-135m", "llama", 30, 576, 9, 3, 64, 1536, 49152, 8192, 1e-5, 1e5, true, false, 0,
     134515008},
};

} // namespace peakbench
