// The value types of GGUF metadata.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace peakbench::llm {

enum class GgufType : std::uint32_t {
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  float32,
  boolean,
  string,
  array,
  uint64,
  int64,
  float64
};
inline constexpr std::array<std::string_view, 13> kGgufTypeNames{
    "uint8", "int8",   "uint16", "int16",  "uint32", "int32",  "float32",
    "bool",  "string", "array",  "uint64", "int64",  "float64"};

constexpr std::string_view name_of(GgufType type) {
  return kGgufTypeNames[static_cast<std::size_t>(type)];
}
// Bytes of a fixed-size type, 0 for strings and arrays.
constexpr std::size_t size_of(GgufType type) {
  constexpr std::array<std::size_t, 13> sizes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return sizes[static_cast<std::size_t>(type)];
}
constexpr bool is_integer(GgufType type) {
  return size_of(type) != 0 && type != GgufType::float32 && type != GgufType::float64 &&
         type != GgufType::boolean;
}

} // namespace peakbench::llm
