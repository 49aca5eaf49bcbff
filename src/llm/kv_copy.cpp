#include "llm/kv_copy.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <vector>

#if PEAKBENCH_USE_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/slot_copy_device.h"
#endif

namespace peakbench::llm {

using kernels::SlotRun;

namespace {

const at::Tensor& chunk_of(std::span<const at::Tensor> chunks, const SlotRun& run) {
  return chunks[static_cast<std::size_t>(run.chunk)];
}

// The first byte of a run in one layer, of the keys (0) or the values (1).
std::byte* bytes_of(std::span<const at::Tensor> chunks, const SlotRun& run, std::int64_t layer,
                    std::int64_t which) {
  const at::Tensor& chunk = chunk_of(chunks, run);
  const std::int64_t element =
      layer * chunk.stride(0) + which * chunk.stride(1) + run.first * chunk.stride(2);
  return static_cast<std::byte*>(chunk.mutable_data_ptr()) + element * chunk.element_size();
}

struct Piece {
  SlotRun from, to; // as many slots in both
};

std::vector<Piece> pair_up(std::span<const SlotRun> from, std::span<const SlotRun> to) {
  std::vector<Piece> pieces;
  SlotRun source, target;
  std::size_t i = 0, j = 0;
  while (true) {
    if (source.count == 0 && i < from.size())
      source = from[i++];
    if (target.count == 0 && j < to.size())
      target = to[j++];
    const std::int32_t count = std::min(source.count, target.count);
    if (count == 0)
      break;
    pieces.push_back({{source.chunk, source.first, count}, {target.chunk, target.first, count}});
    source = {source.chunk, source.first + count, source.count - count};
    target = {target.chunk, target.first + count, target.count - count};
  }
  TORCH_INTERNAL_ASSERT(source.count == 0 && target.count == 0, "slot lists of different length");
  return pieces;
}

#if PEAKBENCH_USE_CUDA
// One launch, however scattered the slots are.
void copy_on_cuda(std::span<const at::Tensor> chunks, std::span<const Piece> pieces) {
  const at::Tensor& any = chunk_of(chunks, pieces.front().from);
  const c10::cuda::CUDAGuard guard(any.device());
  const at::Tensor list =
      at::empty({static_cast<std::int64_t>(pieces.size() * sizeof(kernels::SlotCopy))}, at::kByte);
  auto* copy = static_cast<kernels::SlotCopy*>(list.mutable_data_ptr());
  for (const Piece& piece : pieces) {
    const auto plane_bytes = [&](const SlotRun& run) {
      const at::Tensor& chunk = chunk_of(chunks, run);
      return chunk.stride(1) * chunk.element_size();
    };
    *copy++ = {bytes_of(chunks, piece.from, 0, 0), bytes_of(chunks, piece.to, 0, 0),
               plane_bytes(piece.from), plane_bytes(piece.to),
               piece.from.count * any.stride(2) * any.element_size()};
  }
  const at::Tensor copies = list.to(any.device());
  kernels::launch_slot_copies(static_cast<const kernels::SlotCopy*>(copies.const_data_ptr()),
                              static_cast<std::int64_t>(pieces.size()), any.size(0) * 2,
                              c10::cuda::getCurrentCUDAStream().stream());
}
#endif

} // namespace

void write_slots(std::span<const at::Tensor> chunks, std::int64_t layer,
                 std::span<const SlotRun> slots, const at::Tensor& key, const at::Tensor& value) {
  std::int64_t reserved = 0;
  for (const SlotRun& run : slots)
    reserved += run.count;
  // Before anything is read: rows that are not there would be the memory behind the tensor.
  TORCH_CHECK(reserved == key.size(0) && reserved == value.size(0),
              "as many rows as slots were reserved");
  for (std::int64_t which = 0; which < 2; ++which) {
    const at::Tensor& rows = which == 0 ? key : value;
    std::int64_t row = 0;
    if (!rows.is_cpu()) {
      for (const SlotRun& run : slots) {
        chunk_of(chunks, run)[layer][which]
            .narrow(0, run.first, run.count)
            .copy_(rows.narrow(0, row, run.count));
        row += run.count;
      }
      continue;
    }
    TORCH_CHECK(rows.stride(2) == 1 && rows.stride(1) == rows.size(2),
                "heads of a row lie side by side");
    const auto* from = static_cast<const std::byte*>(rows.const_data_ptr());
    const std::int64_t stride = rows.stride(0) * rows.element_size();
    const auto bytes = static_cast<std::size_t>(rows.size(1) * rows.size(2) * rows.element_size());
    for (const SlotRun& run : slots) {
      TORCH_CHECK(chunk_of(chunks, run).scalar_type() == rows.scalar_type(),
                  "keys of another type");
      std::byte* to = bytes_of(chunks, run, layer, which);
      for (std::int32_t i = 0; i < run.count; ++i, ++row, to += bytes)
        std::memcpy(to, from + row * stride, bytes);
    }
  }
}

void copy_slots(std::span<const at::Tensor> chunks, std::span<const SlotRun> from,
                std::span<const SlotRun> to) {
  const std::vector<Piece> pieces = pair_up(from, to);
  if (pieces.empty())
    return;
  const at::Tensor& any = chunk_of(chunks, pieces.front().from);
#if PEAKBENCH_USE_CUDA
  if (any.is_cuda())
    return copy_on_cuda(chunks, pieces);
#endif
  const std::int64_t slot_bytes = any.stride(2) * any.element_size();
  at::parallel_for(0, any.size(0) * 2, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (const Piece& piece : pieces)
        std::memcpy(bytes_of(chunks, piece.to, i / 2, i % 2),
                    bytes_of(chunks, piece.from, i / 2, i % 2),
                    static_cast<std::size_t>(piece.from.count * slot_bytes));
  });
}

} // namespace peakbench::llm
