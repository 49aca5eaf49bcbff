// Cuts text into the pieces inside which byte pairs may merge. The patterns are those of the
// reference implementations, run by PCRE2's compiler to machine code.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace peakbench::llm {

class PreTokenizer {
public:
  // By the name GGUF files use (`tokenizer.ggml.pre`). UserError for an unknown one.
  static PreTokenizer named(const std::string& name, const std::string& file);
  // Patterns in the reference's syntax, each applied to the pieces of the one before; what lies
  // between two matches is a piece too. UserError if one cannot be compiled.
  static PreTokenizer from_patterns(const std::vector<std::string>& patterns,
                                    const std::string& file);

  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  // `text` is valid UTF-8. The pieces put together are the text.
  std::vector<std::string_view> split(std::string_view text) const;
  // The known name of the patterns, or "custom".
  const std::string& name() const { return name_; }

  // The pattern of byte-level pre-tokenizers ("use_regex" in a tokenizer.json).
  static const char* byte_level_pattern();

private:
  class Pattern;
  PreTokenizer();
  std::string name_;
  std::string file_;
  std::vector<std::unique_ptr<Pattern>> patterns_;
};

} // namespace peakbench::llm
