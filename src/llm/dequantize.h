// Storage types of model files and their conversion to the compute type.
// Block layouts: ggml's quantised formats (a block holds its scales beside its integers).
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace peakbench::llm {

enum class StorageType { f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k };

struct StorageLayout {
  std::string_view name;
  std::int64_t block_elements = 1;
  std::int64_t block_bytes = 0;
};
const StorageLayout& layout_of(StorageType type);
// "F32, F16, ...": for messages.
std::string storage_type_names();

// The file's tensor, where it lies in the mapping. Shape in row-major order (rows, columns).
struct StoredTensor {
  StorageType type = StorageType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::uint8_t> data; // exactly the tensor's bytes, at any alignment
  // Heads whose rows (or bias elements) lie as interleaved rotary pairs (0, h/2, 1, h/2+1, ...)
  // and come out in half-split order (0, 1, ..., h/2, ...); 0 if the file has the wanted order.
  std::int64_t interleaved_heads = 0;

  std::int64_t elements() const;
};

// Bytes that `elements` elements take, a multiple of the block; nullopt on overflow or part blocks.
std::optional<std::uint64_t> storage_bytes(StorageType type, std::int64_t elements);

// `count` elements (whole blocks) to float.
void dequantize(StorageType type, const std::uint8_t* source, std::int64_t count, float* target);

// The tensor in dtype (float32, float64, float16 or bfloat16), contiguous, on the device. The
// memory is tagged as weights. Rows are converted by all of ATen's threads.
at::Tensor load_tensor(const StoredTensor& stored, at::ScalarType dtype, at::Device device);

} // namespace peakbench::llm
