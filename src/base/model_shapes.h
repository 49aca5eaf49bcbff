// Shapes of published models: `synthetic:` builds them, reports say what a tree would hold in them.
#pragma once

#include <cstdint>
#include <string_view>

namespace peakbench {

struct ModelShape {
  std::string_view name, architecture;
  std::int64_t layers, width, heads, kv_heads, head_width, mlp_width, vocabulary, context;
  double norm_epsilon, rope_theta;
  bool tied;
  double llama3_factor; // 0: no scaling
  std::int64_t parameters;

  // Key and value of one token in all layers.
  constexpr std::int64_t kv_bytes_per_token(std::int64_t element_bytes) const {
    return layers * 2 * kv_heads * head_width * element_bytes;
  }
};

// From the config.json of each published model (of the Instruct version where they differ; Mistral
// v0.3); the count of parameters follows from the rest, and a test compares it with the published
// one.
// clang-format off
inline constexpr ModelShape kModelShapes[] = {
    {"qwen2.5-0.5b", "qwen2", 24, 896, 14, 2, 64, 4864, 151936, 32768, 1e-6, 1e6, true, 0, 494032768},
    {"qwen2.5-1.5b", "qwen2", 28, 1536, 12, 2, 128, 8960, 151936, 32768, 1e-6, 1e6, true, 0, 1543714304},
    {"qwen2.5-3b", "qwen2", 36, 2048, 16, 2, 128, 11008, 151936, 32768, 1e-6, 1e6, true, 0, 3085938688},
    {"qwen2.5-7b", "qwen2", 28, 3584, 28, 4, 128, 18944, 152064, 32768, 1e-6, 1e6, false, 0, 7615616512},
    {"qwen3-0.6b", "qwen3", 28, 1024, 16, 8, 128, 3072, 151936, 40960, 1e-6, 1e6, true, 0, 596049920},
    {"qwen3-1.7b", "qwen3", 28, 2048, 16, 8, 128, 6144, 151936, 40960, 1e-6, 1e6, true, 0, 1720574976},
    {"qwen3-4b", "qwen3", 36, 2560, 32, 8, 128, 9728, 151936, 40960, 1e-6, 1e6, true, 0, 4022468096},
    {"qwen3-8b", "qwen3", 36, 4096, 32, 8, 128, 12288, 151936, 40960, 1e-6, 1e6, false, 0, 8190735360},
    {"llama-3.2-1b", "llama", 16, 2048, 32, 8, 64, 8192, 128256, 131072, 1e-5, 5e5, true, 32, 1235814400},
    {"llama-3.2-3b", "llama", 28, 3072, 24, 8, 128, 8192, 128256, 131072, 1e-5, 5e5, true, 32, 3212749824},
    {"llama-3.1-8b", "llama", 32, 4096, 32, 8, 128, 14336, 128256, 131072, 1e-5, 5e5, false, 8, 8030261248},
    {"mistral-7b", "mistral", 32, 4096, 32, 8, 128, 14336, 32768, 32768, 1e-5, 1e6, false, 0, 7248023552},
    {"smollm2-135m", "llama", 30, 576, 9, 3, 64, 1536, 49152, 8192, 1e-5, 1e5, true, 0, 134515008},
    {"smollm2-360m", "llama", 32, 960, 15, 5, 64, 2560, 49152, 8192, 1e-5, 1e5, true, 0, 361821120},
    {"smollm2-1.7b", "llama", 24, 2048, 32, 32, 64, 8192, 49152, 8192, 1e-5, 1.3e5, true, 0, 1711376384},
};
// clang-format on

} // namespace peakbench
