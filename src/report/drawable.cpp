#include "report/drawable.h"

#include <algorithm>
#include <charconv>

#include "report/gnuplot.h"
#include "report/numbers.h"

namespace peakbench::report {

namespace {

constexpr CharacterRange kLatin{0x20, 0x17F};

std::vector<CharacterRange> installed_ranges() {
  const Finished fonts = run_filter({"fc-list", "--format", "%{charset}\n"}, "");
  std::vector<CharacterRange> ranges = ranges_of(fonts.status == 0 ? fonts.output : "");
  ranges.push_back(kLatin);
  return ranges;
}

} // namespace

std::vector<CharacterRange> ranges_of(std::string_view lines) {
  std::vector<CharacterRange> ranges;
  const char* at = lines.data();
  const char* end = at + lines.size();
  while (at != end) {
    std::uint32_t first = 0, last = 0;
    const auto begin = std::from_chars(at, end, first, 16);
    if (begin.ec != std::errc()) {
      ++at;
      continue;
    }
    at = begin.ptr;
    last = first;
    if (at != end && *at == '-')
      at = std::from_chars(at + 1, end, last, 16).ptr;
    ranges.push_back({first, last});
  }
  return ranges;
}

std::string drawable(const std::string& text, const std::vector<CharacterRange>& ranges) {
  const auto has = [&](char32_t character) {
    return std::ranges::any_of(ranges, [&](const CharacterRange& range) {
      return range.first <= character && character <= range.last;
    });
  };
  const std::string substitute = has(0x25A1) ? "□" : "?";
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_length(text, at);
    const char32_t character = code_point(text, at, length);
    result += character < 0x80 || has(character) ? text.substr(at, length) : substitute;
    at += length;
  }
  return result;
}

std::string drawable(const std::string& text) {
  const auto plain = [](char character) { return static_cast<unsigned char>(character) < 0x80; };
  return std::ranges::all_of(text, plain) ? text : drawable(text, installed_ranges());
}

} // namespace peakbench::report
