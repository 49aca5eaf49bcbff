#include "report/shown_text.h"

#include "report/numbers.h"
#include "results/text.h"

namespace peakbench::report {

namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";
constexpr const char* kLineEnd = "↵";
constexpr const char* kTab = "⇥";
constexpr const char* kMore = "…";

// What a character of well-formed UTF-8 is shown as.
std::string shown(const std::string& character) {
  const char32_t code = code_point(character, 0, character.size());
  if (code == '\n' || code == '\r' || code == 0x85 || code == 0x2028 || code == 0x2029)
    return kLineEnd;
  if (code == '\t')
    return kTab;
  const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
  // These turn the direction of everything behind them.
  const bool direction = code == 0x200E || code == 0x200F || code == 0x61C ||
                         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  const bool none = (code & 0xFFFE) == 0xFFFE || code == 0xFEFF; // XML refuses the first ones
  return control || direction || none ? kReplacement : character;
}

} // namespace

std::string shown_text(const std::string& text) {
  const std::string stored = results::storable_text(text);
  std::string line;
  for (std::size_t at = 0; at < stored.size();) {
    const std::size_t length = character_length(stored, at);
    const bool pair = stored.compare(at, 2, "\r\n") == 0;
    line += shown(stored.substr(at, length));
    at += pair ? 2 : length;
  }
  return line;
}

std::string cut_to_width(const std::string& text, std::size_t width) {
  if (display_width(text) <= width)
    return text;
  std::string cut;
  for (std::size_t at = 0; at < text.size();) {
    const std::string character = text.substr(at, character_length(text, at));
    if (display_width(cut + character) + 1 > width)
      break;
    cut += character;
    at += character.size();
  }
  while (cut.ends_with(' '))
    cut.pop_back();
  return width == 0 ? "" : cut + kMore;
}

} // namespace peakbench::report
