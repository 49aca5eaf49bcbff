// UTF-8 as tokenizers need it: where it is valid, and normalisation form C.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace peakbench::llm {

// Bytes of the character at `at`, 0 if there is no valid one (overlong forms, surrogates and code
// points past U+10FFFF are not valid).
std::size_t utf8_length(std::string_view text, std::size_t at);

// Calls valid(part) and invalid(part) for the longest stretches of either, in order.
template <typename Valid, typename Invalid>
void for_each_utf8_part(std::string_view text, Valid&& valid, Invalid&& invalid) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = begin;
    while (end < text.size()) {
      const std::size_t length = utf8_length(text, end);
      if (length == 0)
        break;
      end += length;
    }
    if (end > begin)
      valid(text.substr(begin, end - begin));
    begin = end;
    while (end < text.size() && utf8_length(text, end) == 0)
      ++end;
    if (end > begin)
      invalid(text.substr(begin, end - begin));
    begin = end;
  }
}

// Unicode normalisation form C of valid UTF-8.
std::string normalize_nfc(std::string_view text);

// Bytes of blanks (Unicode White_Space) that `text` begins, or ends, with.
std::size_t leading_blanks(std::string_view text);
std::size_t trailing_blanks(std::string_view text);

} // namespace peakbench::llm
