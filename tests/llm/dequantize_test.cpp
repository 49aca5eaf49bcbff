// Every block type against integers and scales that the test packs itself, element by element as
// the format is described, and against value = scale * integer + minimum.
#include "llm/dequantize.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "measure/tag.h"
#include "model_writer.h"

namespace peakbench::llm {
namespace {

using testing::bytes_of;

struct Packed {
  std::string bytes;
  std::vector<float> expected;
};

std::string half_bytes(float value) { return bytes_of(c10::Half(value).x); }

// Scales that float16 holds exactly, so that the expectation needs no conversion of its own.
float exact(std::mt19937& random) {
  return static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 512.0f;
}

// `bits` low or high nibbles of 32 elements: element i in byte i's low half, i + 16 in its high
// half.
std::string nibbles(const std::vector<int>& q) {
  std::string bytes(16, '\0');
  for (int i = 0; i < 16; ++i)
    bytes[i] = static_cast<char>((q[i] & 15) | (q[i + 16] & 15) << 4);
  return bytes;
}

std::vector<int> integers(std::mt19937& random, int count, int limit) {
  std::vector<int> q;
  for (int i = 0; i < count; ++i)
    q.push_back(static_cast<int>(random() % static_cast<unsigned>(limit)));
  return q;
}

Packed pack_small(StorageType type, std::mt19937& random) {
  Packed packed;
  const float d = exact(random), m = exact(random);
  const bool five = type == StorageType::q5_0 || type == StorageType::q5_1;
  const bool minimum = type == StorageType::q4_1 || type == StorageType::q5_1;
  const std::vector<int> q = integers(random, 32, type == StorageType::q8_0 ? 256 : five ? 32 : 16);
  packed.bytes = half_bytes(d) + (minimum ? half_bytes(m) : "");
  if (five) {
    std::uint32_t fifth = 0;
    for (int i = 0; i < 32; ++i)
      fifth |= static_cast<std::uint32_t>(q[i] >> 4) << i;
    packed.bytes += bytes_of(fifth);
  }
  if (type == StorageType::q8_0)
    for (int value : q)
      packed.bytes += static_cast<char>(value - 128);
  else
    packed.bytes += nibbles(q);
  const int zero = type == StorageType::q8_0 ? 128 : minimum ? 0 : five ? 16 : 8;
  for (int value : q)
    packed.expected.push_back(d * static_cast<float>(value - zero) + (minimum ? m : 0.0f));
  return packed;
}

// The 12 bytes of eight six-bit scales and minimums of Q4_K and Q5_K.
std::string six_bit_pairs(const std::vector<int>& scale, const std::vector<int>& minimum) {
  std::string bytes(12, '\0');
  for (int i = 0; i < 4; ++i) {
    bytes[i] = static_cast<char>(scale[i] | (scale[i + 4] >> 4) << 6);
    bytes[i + 4] = static_cast<char>(minimum[i] | (minimum[i + 4] >> 4) << 6);
    bytes[i + 8] = static_cast<char>((scale[i + 4] & 15) | (minimum[i + 4] & 15) << 4);
  }
  return bytes;
}

Packed pack_k45(StorageType type, std::mt19937& random) {
  Packed packed;
  const bool five = type == StorageType::q5_k;
  const float d = exact(random), m = exact(random);
  const std::vector<int> scale = integers(random, 8, 64), minimum = integers(random, 8, 64);
  const std::vector<int> q = integers(random, 256, five ? 32 : 16);
  packed.bytes = half_bytes(d) + half_bytes(m) + six_bit_pairs(scale, minimum);
  if (five) {
    std::string fifth(32, '\0');
    for (int i = 0; i < 256; ++i)
      fifth[i % 32] = static_cast<char>(fifth[i % 32] | (q[i] >> 4) << (i / 32));
    packed.bytes += fifth;
  }
  std::string low(128, '\0'); // sub-blocks 2p and 2p + 1 share 32 bytes
  for (int i = 0; i < 256; ++i) {
    char& byte = low[i / 64 * 32 + i % 32];
    byte = static_cast<char>(byte | (q[i] & 15) << (i / 32 % 2 * 4));
  }
  packed.bytes += low;
  for (int i = 0; i < 256; ++i)
    packed.expected.push_back(d * static_cast<float>(scale[i / 32]) * static_cast<float>(q[i]) -
                              m * static_cast<float>(minimum[i / 32]));
  return packed;
}

Packed pack_q6_k(std::mt19937& random) {
  Packed packed;
  const float d = exact(random);
  const std::vector<int> scale = integers(random, 16, 256), q = integers(random, 256, 64);
  std::string low(128, '\0'), high(64, '\0');
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, quarter = i % 128 / 32, column = i % 32;
    char& nibble = low[half * 64 + quarter % 2 * 32 + column];
    nibble = static_cast<char>(nibble | (q[i] & 15) << (quarter / 2 * 4));
    char& pair = high[half * 32 + column];
    pair = static_cast<char>(pair | (q[i] >> 4) << (2 * quarter));
  }
  packed.bytes = low + high;
  for (int value : scale)
    packed.bytes += static_cast<char>(value - 128);
  packed.bytes += half_bytes(d);
  for (int i = 0; i < 256; ++i)
    packed.expected.push_back(d * static_cast<float>(scale[i / 16] - 128) *
                              static_cast<float>(q[i] - 32));
  return packed;
}

Packed pack(StorageType type, std::mt19937& random) {
  if (type == StorageType::q6_k)
    return pack_q6_k(random);
  if (type == StorageType::q4_k || type == StorageType::q5_k)
    return pack_k45(type, random);
  return pack_small(type, random);
}

std::vector<float> unpack(StorageType type, const std::string& bytes, std::size_t count) {
  std::vector<float> values(count);
  dequantize(type, reinterpret_cast<const std::uint8_t*>(bytes.data()),
             static_cast<std::int64_t>(count), values.data());
  return values;
}

// The products are rounded in another order than here.
bool close(const std::vector<float>& a, const std::vector<float>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::abs(a[i] - b[i]) > 1e-4f * (1.0f + std::abs(b[i])))
      return false;
  return a.size() == b.size();
}

class BlockType : public ::testing::TestWithParam<StorageType> {};

TEST_P(BlockType, EqualsTheFormula) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    const Packed first = pack(GetParam(), random), second = pack(GetParam(), random);
    ASSERT_EQ(first.bytes.size(), static_cast<std::size_t>(layout_of(GetParam()).block_bytes));
    std::vector<float> expected = first.expected;
    expected.insert(expected.end(), second.expected.begin(), second.expected.end());
    EXPECT_TRUE(close(unpack(GetParam(), first.bytes + second.bytes, expected.size()), expected));
  }
}

// The same comparison sees one bit of one element.
TEST_P(BlockType, OneFlippedBitFails) {
  std::mt19937 random(8);
  Packed packed;
  do
    packed = pack(GetParam(), random);
  while (std::abs(packed.expected[0]) < 0.01f);
  const std::vector<float> before = unpack(GetParam(), packed.bytes, packed.expected.size());
  int seen = 0, bits = 0;
  for (std::size_t bit = 0; bit < packed.bytes.size() * 8; bit += 5, ++bits) {
    std::string changed = packed.bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    seen += !close(unpack(GetParam(), changed, before.size()), before);
  }
  // A sub-block with scale 0 hides its integers; half-precision's last bits are below the
  // tolerance.
  EXPECT_GT(seen, bits * 3 / 4);
}

INSTANTIATE_TEST_SUITE_P(All, BlockType,
                         ::testing::Values(StorageType::q8_0, StorageType::q4_0, StorageType::q4_1,
                                           StorageType::q5_0, StorageType::q5_1, StorageType::q4_k,
                                           StorageType::q5_k, StorageType::q6_k),
                         [](const auto& suite) {
                           return std::string(layout_of(suite.param).name);
                         });

TEST(Dequantize, PlainTypes) {
  const std::vector<float> values{0.0f, -1.5f, 3.25f, 65504.0f, 6.103515625e-05f, 5.9604645e-08f};
  std::string half, brain;
  for (float value : values) {
    half += half_bytes(value);
    brain += bytes_of(c10::BFloat16(value).x);
  }
  EXPECT_EQ(unpack(StorageType::f32, bytes_of(values), values.size()), values);
  EXPECT_EQ(unpack(StorageType::f16, half, values.size()), values);
  EXPECT_EQ(unpack(StorageType::bf16, brain, 3), (std::vector<float>{0.0f, -1.5f, 3.25f}));
}

TEST(Dequantize, SizesOfWholeBlocksOnly) {
  EXPECT_EQ(storage_bytes(StorageType::q4_1, 64), 40u);
  EXPECT_EQ(storage_bytes(StorageType::q6_k, 512), 420u);
  EXPECT_EQ(storage_bytes(StorageType::q4_1, 65), std::nullopt);
  EXPECT_EQ(storage_bytes(StorageType::f32, -1), std::nullopt);
  EXPECT_EQ(storage_bytes(StorageType::f32, INT64_MAX / 2), std::nullopt);
}

StoredTensor stored(StorageType type, std::vector<std::int64_t> shape, const std::string& bytes) {
  return {
      type, std::move(shape), {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}};
}

TEST(LoadTensor, RowsOfEveryTypeInEveryDtype) {
  std::mt19937 random(9);
  for (int t = 0; t <= static_cast<int>(StorageType::q6_k); ++t) {
    const auto type = static_cast<StorageType>(t);
    std::string bytes;
    for (int i = 0; i < 3 * 2048 / layout_of(type).block_elements; ++i)
      bytes += layout_of(type).block_elements > 1 ? pack(type, random).bytes
               : type == StorageType::f32         ? bytes_of(exact(random))
               : type == StorageType::f16         ? half_bytes(exact(random))
                                                  : bytes_of(c10::BFloat16(exact(random)).x);
    const at::Tensor flat = at::tensor(unpack(type, bytes, 3 * 2048)).view({3, 2048});
    for (const at::ScalarType dtype : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
      const at::Tensor loaded = load_tensor(stored(type, {3, 2048}, bytes), dtype, at::kCPU);
      EXPECT_EQ(loaded.scalar_type(), dtype);
      EXPECT_TRUE(loaded.is_contiguous());
      EXPECT_TRUE(at::equal(loaded, flat.to(dtype))) << layout_of(type).name << " as " << dtype;
    }
  }
}

TEST(LoadTensor, RoundsToBfloat16LikeAtenOnEveryKindOfNumber) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> values{1.00390625f, 1.01171875f, -0.0f, inf, -inf, 3.4e38f, 1e-40f};
  const at::Tensor loaded =
      load_tensor(stored(StorageType::f32, {7}, bytes_of(values)), at::kBFloat16, at::kCPU);
  EXPECT_TRUE(at::equal(loaded, at::tensor(values).to(at::kBFloat16)));
  const std::string nan = bytes_of<std::uint32_t>(0x7f800001);
  EXPECT_TRUE(at::isnan(load_tensor(stored(StorageType::f32, {1}, nan), at::kBFloat16, at::kCPU))
                  .all()
                  .item<bool>());
}

TEST(LoadTensor, InterleavedHeadsComeOutInHalves) {
  // 2 heads of 6 rows; row r of the file has value r. Pair i of a head lies in rows 2i and 2i + 1.
  std::vector<float> rows;
  for (int row = 0; row < 12; ++row)
    rows.insert(rows.end(), 2, static_cast<float>(row));
  const std::string bytes = bytes_of(rows);
  StoredTensor tensor = stored(StorageType::f32, {12, 2}, bytes);
  tensor.interleaved_heads = 2;
  const at::Tensor expected = at::tensor({0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11}).to(at::kFloat);
  EXPECT_TRUE(at::equal(load_tensor(tensor, at::kFloat, at::kCPU).select(1, 0), expected));
  EXPECT_TRUE(at::equal(load_tensor(tensor, at::kBFloat16, at::kCPU).select(1, 1).to(at::kFloat),
                        expected));
  // A bias is permuted element by element.
  StoredTensor bias = stored(StorageType::f32, {24}, bytes);
  bias.interleaved_heads = 2;
  EXPECT_EQ(load_tensor(bias, at::kFloat, at::kCPU)[1].item<float>(), 1.0f);
  EXPECT_EQ(load_tensor(bias, at::kFloat, at::kCPU)[6].item<float>(), 0.0f);
}

TEST(LoadTensor, ThreadsDoNotChangeTheResult) {
  std::mt19937 random(10);
  std::string bytes;
  for (int block = 0; block < 512 * 256 / 32; ++block)
    bytes += pack(StorageType::q4_1, random).bytes;
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one =
      load_tensor(stored(StorageType::q4_1, {512, 256}, bytes), at::kBFloat16, at::kCPU);
  at::set_num_threads(4);
  const at::Tensor four =
      load_tensor(stored(StorageType::q4_1, {512, 256}, bytes), at::kBFloat16, at::kCPU);
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one, four));
}

} // namespace
} // namespace peakbench::llm
