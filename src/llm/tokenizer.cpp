#include "llm/tokenizer.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "llm/gguf_tokenizer.h"
#include "llm/huggingface.h"
#include "llm/llama2c.h"

namespace peakbench::llm {

namespace fs = std::filesystem;

std::vector<std::int32_t> Tokenizer::encode_prompt(std::string_view text,
                                                   PromptFormat format) const {
  // A chat template writes its begin token itself.
  if (format == PromptFormat::chat)
    return encode(chat_text(text));
  std::vector<std::int32_t> ids = encode(text);
  if (const auto begin = begin_token())
    ids.insert(ids.begin(), *begin);
  return ids;
}

std::unique_ptr<Tokenizer> open_tokenizer(const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw UserError(fmt::format("tokenizer '{}' does not exist", path));
  if (fs::is_directory(path, ignored))
    return open_huggingface_tokenizer((fs::path(path) / "tokenizer.json").string());
  if (path.ends_with("tokenizer.json"))
    return open_huggingface_tokenizer(path);
  if (path.ends_with(".gguf"))
    return read_gguf_tokenizer(GgufFile(path));
  if (path.ends_with(".bin"))
    return open_llama2c_tokenizer(path);
  throw UserError(
      fmt::format("'{}' is no tokenizer that can be read", path),
      "expected a .gguf file, a tokenizer.json, a Hugging Face folder or a llama2.c .bin", "");
}

} // namespace peakbench::llm
