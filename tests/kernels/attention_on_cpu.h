// tree_attention as a GPU does it, run on the CPU: the lists, then both kernels.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <utility>
#include <vector>

#include "support/cuda_on_cpu.h"

#include "kernels/attention_lists.h"
#include "kernels/tree_attention.cuh"
#include "tests/kernels/random_tree.h"

namespace peakbench::kernels::testing {

struct DeviceRun {
  AttentionSplitting splitting = {.blocks = 6};
  std::int32_t blocks = 6, padding = 2; // paths that are not there
  std::int64_t bank_conflicts = 0;
  std::size_t items = 0;
};

template <class T, int kWidth>
std::int64_t attend_on_cpu(const AttendArguments& arguments, int blocks) {
  return peakbench::testing::cuda::launch({static_cast<unsigned>(blocks)}, {device::kThreads},
                                          device::attend_bytes<T, kWidth>(),
                                          [&] { device::attend<T, kWidth>(arguments); });
}

template <class T>
at::Tensor attend_on_cpu(const RandomTree& tree, std::int64_t layer, Element element,
                         DeviceRun& run) {
  const auto paths = static_cast<std::int32_t>(tree.query.size(0));
  const auto heads = static_cast<std::int32_t>(tree.query.size(1));
  const auto kv_heads = static_cast<std::int32_t>(tree.chunks.front().size(3));
  const auto width = static_cast<std::int32_t>(tree.query.size(2));
  run.splitting.group = heads / kv_heads;
  run.splitting.kv_heads = kv_heads;
  run.splitting.rows = attention_rows(element, width);
  const AttentionLists lists(tree.plan, run.splitting);
  run.items = lists.items().size();
  std::vector<ChunkView> chunks;
  for (const at::Tensor& chunk : tree.chunks)
    chunks.push_back({chunk.const_data_ptr(), chunk.size(2)});
  const std::int32_t padded = paths + run.padding;
  const at::Tensor bytes =
      at::empty({static_cast<std::int64_t>(lists.bytes(chunks.size(), padded))}, at::kByte);
  lists.write(chunks, padded, static_cast<std::byte*>(bytes.mutable_data_ptr()));
  // Queries as they lie in a fused product, with keys and values behind them.
  const at::Tensor query =
      at::full({padded, heads + 2 * kv_heads, width}, NAN, tree.query.options());
  query.narrow(0, 0, paths).narrow(1, 0, heads).copy_(tree.query);
  const at::Tensor out = at::full({padded, heads, width}, NAN, tree.query.options());
  const at::Tensor partials =
      at::full({lists.partial_rows(), partial_floats(kv_heads, width)}, NAN, at::kFloat);
  AttendArguments a;
  a.element = element;
  a.lists = static_cast<const AttentionHeader*>(bytes.const_data_ptr());
  a.query = query.const_data_ptr();
  a.query_stride = query.stride(0);
  a.out = out.mutable_data_ptr();
  a.paths = padded;
  a.heads = heads;
  a.kv_heads = kv_heads;
  a.head_width = width;
  a.layer = layer;
  a.scale = static_cast<float>(tree.scale * M_LOG2E);
  a.place_partials(partials.mutable_data_ptr<float>(), lists.partial_rows());
  run.bank_conflicts = width <= 64    ? attend_on_cpu<T, 64>(a, run.blocks)
                       : width <= 96  ? attend_on_cpu<T, 96>(a, run.blocks)
                       : width <= 128 ? attend_on_cpu<T, 128>(a, run.blocks)
                                      : attend_on_cpu<T, 256>(a, run.blocks);
  peakbench::testing::cuda::launch({static_cast<unsigned>(padded * heads + 3) / 4},
                                   {device::kThreads}, 0, [&] { device::merge<T>(a); });
  EXPECT_TRUE(out.narrow(0, paths, run.padding).eq(0).all().item<bool>());
  return out.narrow(0, 0, paths);
}

inline at::Tensor attend_on_cpu(const RandomTree& tree, std::int64_t layer, DeviceRun& run) {
  switch (tree.query.scalar_type()) {
  case at::kFloat:
    return attend_on_cpu<float>(tree, layer, Element::float32, run);
  case at::kBFloat16:
    return attend_on_cpu<c10::BFloat16>(tree, layer, Element::bfloat16, run);
  default:
    return attend_on_cpu<c10::Half>(tree, layer, Element::float16, run);
  }
}

} // namespace peakbench::kernels::testing
