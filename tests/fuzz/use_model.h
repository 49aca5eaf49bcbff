// What the suite does with a model file once it is open.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.h"
#include "llm/model_source.h"

namespace peakbench::fuzz {

// Encodes texts of every kind and decodes them again: every id must be one of the vocabulary.
inline void use_tokenizer(const llm::Tokenizer& tokenizer, std::string_view own_text) {
  for (const std::string_view text :
       {std::string_view("The caf\xC3\xA9's  42 naps.\n\n\t<|im_start|>x</s> "),
        std::string_view("\xFF\xC3 e\xCC\x81\xE2\x96\x81\0<0x41>", 17), own_text.substr(0, 256)}) {
    accepts([&] {
      const auto ids = tokenizer.encode(text);
      for (const std::int32_t id : ids)
        if (id < 0 || id >= tokenizer.vocabulary())
          std::abort();
      tokenizer.decode(ids, false);
      tokenizer.decode(ids, true);
    });
    accepts([&] { tokenizer.encode_prompt(text, llm::PromptFormat::chat); });
    accepts([&] { tokenizer.encode_prompt(text, llm::PromptFormat::raw); });
  }
  tokenizer.decode(std::vector<std::int32_t>{-1, 0, 1, 2, 1 << 30});
  tokenizer.description();
  tokenizer.chat_family();
}

inline void use_model(const llm::ModelSource& source) {
  const llm::ModelConfig& config = source.config();
  for (const llm::WeightShape& weight : llm::weight_shapes(config)) {
    const at::Tensor tensor = source.tensor(weight.name, at::kBFloat16, at::kCPU);
    if (tensor.sizes() != at::IntArrayRef(weight.shape))
      std::abort();
  }
  if (const auto tokenizer = source.tokenizer())
    use_tokenizer(*tokenizer, config.name);
  if (source.file_bytes() < 0 || source.parameters() < 1)
    std::abort();
}

} // namespace peakbench::fuzz
