// Byte-level BPE as in GGUF metadata or a Hugging Face tokenizer.json (and llama2.c's tok512.bin).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace peakbench::llm {

enum class PromptFormat { raw, chat };

class Tokenizer {
public:
  virtual ~Tokenizer() = default;
  // Linear in the text. Special tokens in the text are recognised, and none is added.
  virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;
  // The bytes of the tokens; special tokens are left out unless asked for.
  virtual std::string decode(std::span<const std::int32_t> ids,
                             bool keep_special = false) const = 0;
  virtual std::int64_t vocabulary() const = 0;
  virtual std::string
  description() const = 0; // e.g. "byte-level BPE, pre-tokenizer smollm, 48900 merges"
  virtual const std::vector<std::int32_t>& end_tokens() const = 0;
  // Put before a raw prompt when the model file asks for one.
  virtual std::optional<std::int32_t> begin_token() const = 0;
  // The family of the chat template found in the file ("chatml", "llama-3", "mistral", ...), empty
  // if there is none that is supported.
  virtual std::string chat_family() const = 0;
  // One user turn in the model's chat template, ready for the assistant's answer. UserError if the
  // model has no supported template.
  virtual std::string chat_text(std::string_view user_text) const = 0;

  // What the model is given for a prompt: template, begin token and all.
  std::vector<std::int32_t> encode_prompt(std::string_view text, PromptFormat format) const;
};

// FILE: GGUF, tokenizer.json, a Hugging Face folder, or a llama2.c tokenizer .bin.
std::unique_ptr<Tokenizer> open_tokenizer(const std::string& path);

} // namespace peakbench::llm
