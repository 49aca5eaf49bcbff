// Whole tensors: rows in the wanted order, converted in pieces that stay in the first-level cache.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "llm/dequantize.h"
#include "measure/tag.h"

namespace peakbench::llm {

namespace {

constexpr std::int64_t kPiece = 1024;      // elements; a multiple of every block
constexpr std::int64_t kGrain = 64 * 1024; // elements per thread at least

bool same_type(StorageType stored, at::ScalarType wanted) {
  return (stored == StorageType::f32 && wanted == at::kFloat) ||
         (stored == StorageType::f16 && wanted == at::kHalf) ||
         (stored == StorageType::bf16 && wanted == at::kBFloat16);
}

// Round to nearest even on the bits: without the branch for NaN per element the loop vectorises.
// NaN keeps its upper half, made quiet.
void narrow(const float* source, std::int64_t count, c10::BFloat16* target) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, source + i, sizeof bits);
    const std::uint32_t rounded = (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
    const std::uint32_t quiet = bits >> 16 | 0x40U;
    target[i].x = static_cast<std::uint16_t>((bits & 0x7fffffffU) > 0x7f800000U ? quiet : rounded);
  }
}
template <typename Target>
void narrow(const float* source, std::int64_t count, Target* target) {
  for (std::int64_t i = 0; i < count; ++i)
    target[i] = static_cast<Target>(source[i]);
}

template <typename Target>
void convert_row(StorageType type, const std::uint8_t* source, std::int64_t columns,
                 Target* target) {
  const StorageLayout& layout = layout_of(type);
  std::array<float, kPiece> piece;
  for (std::int64_t done = 0; done < columns; done += kPiece) {
    const std::int64_t count = std::min(kPiece, columns - done);
    dequantize(type, source + done / layout.block_elements * layout.block_bytes, count,
               piece.data());
    narrow(piece.data(), count, target + done);
  }
}

// The row of the file that holds row `row` of the tensor.
std::int64_t file_row(std::int64_t row, std::int64_t head_rows) {
  if (head_rows == 0)
    return row;
  const std::int64_t inside = row % head_rows, half = head_rows / 2;
  return row - inside + 2 * (inside % half) + inside / half;
}

template <typename Target>
void convert_rows(const StoredTensor& stored, std::int64_t rows, std::int64_t columns, bool copy,
                  Target* target) {
  const std::int64_t row_bytes = static_cast<std::int64_t>(*storage_bytes(stored.type, columns));
  const std::int64_t head_rows = stored.interleaved_heads ? rows / stored.interleaved_heads : 0;
  const std::int64_t grain = std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(columns, 1));
  at::parallel_for(0, rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::uint8_t* source = stored.data.data() + file_row(row, head_rows) * row_bytes;
      if (copy)
        std::memcpy(static_cast<void*>(target + row * columns), source,
                    static_cast<std::size_t>(row_bytes));
      else
        convert_row(stored.type, source, columns, target + row * columns);
    }
  });
}

} // namespace

std::int64_t StoredTensor::elements() const {
  std::int64_t product = 1;
  for (std::int64_t size : shape)
    product *= size;
  return product;
}

at::Tensor load_tensor(const StoredTensor& stored, at::ScalarType dtype, at::Device device) {
  const measure::TagScope scope(measure::Tag::weights);
  const std::int64_t elements = stored.elements();
  // A permuted vector (bias) is rows of one element; everything else has whole blocks in a row.
  std::int64_t columns = stored.shape.size() > 1 ? stored.shape.back() : elements;
  if (stored.shape.size() == 1 && stored.interleaved_heads)
    columns = 1;
  const std::int64_t rows = columns ? elements / columns : 0;
  at::Tensor tensor = at::empty(stored.shape, at::TensorOptions().dtype(dtype));
  const bool copy = same_type(stored.type, dtype);
  switch (dtype) {
  case at::kFloat:
    convert_rows(stored, rows, columns, copy, tensor.data_ptr<float>());
    break;
  case at::kDouble:
    convert_rows(stored, rows, columns, copy, tensor.data_ptr<double>());
    break;
  case at::kHalf:
    convert_rows(stored, rows, columns, copy, tensor.data_ptr<c10::Half>());
    break;
  case at::kBFloat16:
    convert_rows(stored, rows, columns, copy, tensor.data_ptr<c10::BFloat16>());
    break;
  default:
    TORCH_CHECK(false, "weights cannot be loaded as ", dtype);
  }
  return device.is_cpu() ? tensor : tensor.to(device);
}

} // namespace peakbench::llm
