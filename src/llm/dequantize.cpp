#include "llm/dequantize.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <array>
#include <cstring>
#include <limits>

namespace peakbench::llm {

namespace {

constexpr std::array<StorageLayout, 11> kLayouts{{
    {"F32", 1, 4},
    {"F16", 1, 2},
    {"BF16", 1, 2},
    {"Q8_0", 32, 34},
    {"Q4_0", 32, 18},
    {"Q4_1", 32, 20},
    {"Q5_0", 32, 22},
    {"Q5_1", 32, 24},
    {"Q4_K", 256, 144},
    {"Q5_K", 256, 176},
    {"Q6_K", 256, 210},
}};

float half_at(const std::uint8_t* bytes) {
  std::uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return c10::detail::fp16_ieee_to_fp32_value(bits);
}

// Each function converts one block. Names as in the format: d = scale, m = minimum, nibbles hold
// the first half of the block in their low and the second half in their high four bits.

void block_q8_0(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  std::array<std::int8_t, 32> q;
  std::memcpy(q.data(), block + 2, q.size());
  for (int i = 0; i < 32; ++i)
    out[i] = d * static_cast<float>(q[i]);
}

void block_q4_0(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  for (int i = 0; i < 16; ++i) {
    out[i] = static_cast<float>((block[2 + i] & 15) - 8) * d;
    out[i + 16] = static_cast<float>((block[2 + i] >> 4) - 8) * d;
  }
}

void block_q4_1(const std::uint8_t* block, float* out) {
  const float d = half_at(block), m = half_at(block + 2);
  for (int i = 0; i < 16; ++i) {
    out[i] = static_cast<float>(block[4 + i] & 15) * d + m;
    out[i + 16] = static_cast<float>(block[4 + i] >> 4) * d + m;
  }
}

void block_q5(const std::uint8_t* high_bits, const std::uint8_t* nibbles, float d, float m,
              int zero, float* out) {
  std::uint32_t high;
  std::memcpy(&high, high_bits, sizeof high);
  for (int i = 0; i < 16; ++i) {
    const int low = (nibbles[i] & 15) | static_cast<int>((high >> i & 1) << 4);
    const int upper = (nibbles[i] >> 4) | static_cast<int>((high >> (i + 16) & 1) << 4);
    out[i] = static_cast<float>(low - zero) * d + m;
    out[i + 16] = static_cast<float>(upper - zero) * d + m;
  }
}

void block_q5_0(const std::uint8_t* block, float* out) {
  block_q5(block + 2, block + 6, half_at(block), 0.0f, 16, out);
}

void block_q5_1(const std::uint8_t* block, float* out) {
  block_q5(block + 4, block + 8, half_at(block), half_at(block + 2), 0, out);
}

// Six-bit scales and minimums of the eight sub-blocks of Q4_K and Q5_K, packed in 12 bytes.
struct SubBlock {
  float scale, minimum;
};
SubBlock sub_block(int index, const std::uint8_t* packed, float d, float m) {
  int scale, minimum;
  if (index < 4) {
    scale = packed[index] & 63;
    minimum = packed[index + 4] & 63;
  } else {
    scale = (packed[index + 4] & 15) | (packed[index - 4] >> 6 << 4);
    minimum = (packed[index + 4] >> 4) | (packed[index] >> 6 << 4);
  }
  return {d * static_cast<float>(scale), m * static_cast<float>(minimum)};
}

void block_q4_k(const std::uint8_t* block, float* out) {
  const float d = half_at(block), m = half_at(block + 2);
  const std::uint8_t* q = block + 16;
  for (int pair = 0; pair < 4; ++pair, q += 32, out += 64) {
    const SubBlock low = sub_block(2 * pair, block + 4, d, m);
    const SubBlock high = sub_block(2 * pair + 1, block + 4, d, m);
    for (int i = 0; i < 32; ++i) {
      out[i] = low.scale * static_cast<float>(q[i] & 15) - low.minimum;
      out[i + 32] = high.scale * static_cast<float>(q[i] >> 4) - high.minimum;
    }
  }
}

void block_q5_k(const std::uint8_t* block, float* out) {
  const float d = half_at(block), m = half_at(block + 2);
  const std::uint8_t* fifth = block + 16; // bit 2p of byte i: element i of pair p's first half
  const std::uint8_t* q = block + 48;
  for (int pair = 0; pair < 4; ++pair, q += 32, out += 64) {
    const SubBlock low = sub_block(2 * pair, block + 4, d, m);
    const SubBlock high = sub_block(2 * pair + 1, block + 4, d, m);
    for (int i = 0; i < 32; ++i) {
      const int first = (q[i] & 15) | (fifth[i] >> (2 * pair) & 1) << 4;
      const int second = (q[i] >> 4) | (fifth[i] >> (2 * pair + 1) & 1) << 4;
      out[i] = low.scale * static_cast<float>(first) - low.minimum;
      out[i + 32] = high.scale * static_cast<float>(second) - high.minimum;
    }
  }
}

void block_q6_k(const std::uint8_t* block, float* out) {
  const float d = half_at(block + 208);
  const std::uint8_t *low = block, *high = block + 128;
  std::array<std::int8_t, 16> scales;
  std::memcpy(scales.data(), block + 192, scales.size());
  for (int half = 0; half < 2; ++half, low += 64, high += 32, out += 128) {
    for (int i = 0; i < 32; ++i) {
      const int q[4] = {
          (low[i] & 15) | (high[i] & 3) << 4, (low[i + 32] & 15) | (high[i] >> 2 & 3) << 4,
          (low[i] >> 4) | (high[i] >> 4 & 3) << 4, (low[i + 32] >> 4) | (high[i] >> 6) << 4};
      for (int quarter = 0; quarter < 4; ++quarter)
        out[i + 32 * quarter] = d * static_cast<float>(scales[8 * half + 2 * quarter + i / 16]) *
                                static_cast<float>(q[quarter] - 32);
    }
  }
}

template <void Block(const std::uint8_t*, float*)>
void convert_blocks(StorageType type, const std::uint8_t* source, std::int64_t count,
                    float* target) {
  const StorageLayout& layout = layout_of(type);
  for (std::int64_t done = 0; done < count; done += layout.block_elements) {
    Block(source, target + done);
    source += layout.block_bytes;
  }
}

} // namespace

const StorageLayout& layout_of(StorageType type) {
  return kLayouts[static_cast<std::size_t>(type)];
}

std::string storage_type_names() {
  std::string names;
  for (const StorageLayout& layout : kLayouts)
    names += (names.empty() ? "" : ", ") + std::string(layout.name);
  return names;
}

std::optional<std::uint64_t> storage_bytes(StorageType type, std::int64_t elements) {
  const StorageLayout& layout = layout_of(type);
  if (elements < 0 || elements % layout.block_elements != 0)
    return std::nullopt;
  const std::int64_t blocks = elements / layout.block_elements;
  if (blocks > std::numeric_limits<std::int64_t>::max() / layout.block_bytes)
    return std::nullopt;
  return static_cast<std::uint64_t>(blocks * layout.block_bytes);
}

void dequantize(StorageType type, const std::uint8_t* source, std::int64_t count, float* target) {
  switch (type) {
  case StorageType::f32:
    std::memcpy(target, source, static_cast<std::size_t>(count) * 4);
    return;
  case StorageType::f16:
    for (std::int64_t i = 0; i < count; ++i)
      target[i] = half_at(source + 2 * i);
    return;
  case StorageType::bf16:
    for (std::int64_t i = 0; i < count; ++i) {
      std::uint16_t bits;
      std::memcpy(&bits, source + 2 * i, sizeof bits);
      target[i] = c10::detail::f32_from_bits(bits);
    }
    return;
  case StorageType::q8_0:
    return convert_blocks<block_q8_0>(type, source, count, target);
  case StorageType::q4_0:
    return convert_blocks<block_q4_0>(type, source, count, target);
  case StorageType::q4_1:
    return convert_blocks<block_q4_1>(type, source, count, target);
  case StorageType::q5_0:
    return convert_blocks<block_q5_0>(type, source, count, target);
  case StorageType::q5_1:
    return convert_blocks<block_q5_1>(type, source, count, target);
  case StorageType::q4_k:
    return convert_blocks<block_q4_k>(type, source, count, target);
  case StorageType::q5_k:
    return convert_blocks<block_q5_k>(type, source, count, target);
  case StorageType::q6_k:
    return convert_blocks<block_q6_k>(type, source, count, target);
  }
}

} // namespace peakbench::llm
