// Small random models of every family, as golden/make_families.py describes them: written as
// Hugging Face folders and as GGUF files. The weights come from the same counter as there.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model_writer.h"

namespace peakbench::llm::testing {

// golden/families.json and golden/tokenizers.json.
const nlohmann::json& golden_families();
const nlohmann::json& golden_tokenizers();

// 64 random bits for each of `count` elements: make_families.py, draw().
std::vector<std::uint64_t> family_bits(const std::string& name, std::size_t count);
std::vector<std::int32_t> family_prompt(std::int64_t length);

// How the file stores its matrices; vectors are F32 in a GGUF file, of the same type in a folder.
enum class FileType { f32, f16, bf16, q8_0 };

// config.json as transformers writes it, tokenizer.json, weights in one file or in `shards` files
// with an index.
void write_family(const std::filesystem::path& folder, const nlohmann::json& family, FileType type,
                  std::size_t shards = 1);

struct GgufChoice {
  FileType type = FileType::f32;
  // Rows of q and k as rotary pairs: right for architecture llama only.
  bool interleave = true;
  bool rope_factors = true;
};
// What the converter makes of the folder.
GgufWriter family_gguf(const nlohmann::json& family, const GgufChoice& choice);
// The tokenizer's part of it, by its name in tokenizers.json.
void add_tokenizer(GgufWriter& writer, const std::string& name);
// golden_families()["mixed"]: a block type of its own for every matrix.
GgufWriter mixed_gguf();

} // namespace peakbench::llm::testing
