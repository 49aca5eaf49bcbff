// Sampled texts can end inside a character or hold a NUL; HDF5's text type can hold neither.
#include "results/text.h"

namespace peakbench::results {

namespace {

// Length of the well-formed UTF-8 sequence at `at` (Unicode table 3-7), or 0.
std::size_t sequence_length(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t index) -> unsigned {
    return index < text.size() ? static_cast<unsigned char>(text[index]) : 0u;
  };
  const auto tail = [&](std::size_t index) { return (byte(index) & 0xC0u) == 0x80u; };
  const unsigned first = byte(at), second = byte(at + 1);
  if (first == 0)
    return 0;
  if (first < 0x80)
    return 1;
  if (first < 0xC2 || first > 0xF4 || !tail(at + 1))
    return 0;
  if (first < 0xE0)
    return 2;
  if (first < 0xF0) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second > 0x9F;
    return overlong || surrogate || !tail(at + 2) ? 0 : 3;
  }
  const bool overlong = first == 0xF0 && second < 0x90;
  const bool beyond = first == 0xF4 && second > 0x8F;
  return overlong || beyond || !tail(at + 2) || !tail(at + 3) ? 0 : 4;
}

} // namespace

std::string storable_text(const std::string& text) {
  std::string stored;
  stored.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    if (length == 0)
      stored += "\xEF\xBF\xBD";
    else
      stored.append(text, at, length);
    at += length == 0 ? 1 : length;
  }
  return stored;
}

} // namespace peakbench::results
