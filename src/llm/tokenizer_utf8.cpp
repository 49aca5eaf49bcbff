#include "llm/tokenizer_utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace peakbench::llm {

namespace {

bool is_blank(std::int32_t c) {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

const std::uint8_t* data_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

void require(utf8proc_ssize_t result) {
  if (result < 0)
    throw std::logic_error(utf8proc_errmsg(result));
}

} // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const std::uint8_t* s = data_of(text) + at;
  const std::size_t left = text.size() - at;
  const auto follows = [&](std::size_t i, std::uint8_t low = 0x80, std::uint8_t high = 0xBF) {
    return i < left && s[i] >= low && s[i] <= high;
  };
  if (left == 0)
    return 0;
  if (s[0] < 0x80)
    return 1;
  if (s[0] >= 0xC2 && s[0] <= 0xDF)
    return follows(1) ? 2 : 0;
  if (s[0] >= 0xE0 && s[0] <= 0xEF) {
    const std::uint8_t low = s[0] == 0xE0 ? 0xA0 : 0x80, high = s[0] == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (s[0] >= 0xF0 && s[0] <= 0xF4) {
    const std::uint8_t low = s[0] == 0xF0 ? 0x90 : 0x80, high = s[0] == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

std::string normalize_nfc(std::string_view text) {
  // Characters before U+0300 neither decompose and stay so nor combine: form C already.
  const bool plain = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<std::uint8_t>(c) < 0xCC; });
  if (plain)
    return std::string(text);
  std::vector<std::int32_t> points;
  points.reserve(text.size() + 16);
  for (std::size_t at = 0; at < text.size();) {
    std::int32_t point = 0;
    const auto length = utf8proc_iterate(data_of(text) + at,
                                         static_cast<utf8proc_ssize_t>(text.size() - at), &point);
    require(length);
    at += static_cast<std::size_t>(length);
    std::int32_t parts[32]; // longest canonical decomposition: 4
    int boundary = 0;
    const auto count = utf8proc_decompose_char(point, parts, 32, UTF8PROC_DECOMPOSE, &boundary);
    require(count);
    points.insert(points.end(), parts, parts + count);
  }
  // Canonical order: runs of combining marks sorted by class, equal ones as they came. (The
  // library's own is a bubble sort, quadratic in a run.)
  const auto combining = [](std::int32_t c) { return utf8proc_get_property(c)->combining_class; };
  for (auto begin = points.begin(); begin != points.end();) {
    if (combining(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end =
        std::find_if(begin, points.end(), [&](std::int32_t c) { return combining(c) == 0; });
    std::stable_sort(begin, end,
                     [&](std::int32_t a, std::int32_t b) { return combining(a) < combining(b); });
    begin = end;
  }
  const auto composed =
      utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  require(composed);
  std::string result;
  result.reserve(text.size());
  for (utf8proc_ssize_t i = 0; i < composed; ++i) {
    std::uint8_t bytes[4];
    const auto length = utf8proc_encode_char(points[static_cast<std::size_t>(i)], bytes);
    result.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  }
  return result;
}

std::size_t leading_blanks(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::int32_t point = 0;
    const auto length = utf8proc_iterate(data_of(text) + at,
                                         static_cast<utf8proc_ssize_t>(text.size() - at), &point);
    if (length <= 0 || !is_blank(point))
      break;
    at += static_cast<std::size_t>(length);
  }
  return at;
}

std::size_t trailing_blanks(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    std::size_t start = end - 1;
    while (start > 0 && end - start < 4 && (static_cast<std::uint8_t>(text[start]) & 0xC0) == 0x80)
      --start;
    std::int32_t point = 0;
    const auto length =
        utf8proc_iterate(data_of(text) + start, static_cast<utf8proc_ssize_t>(end - start), &point);
    if (length != static_cast<utf8proc_ssize_t>(end - start) || !is_blank(point))
      break;
    end = start;
  }
  return text.size() - end;
}

} // namespace peakbench::llm
