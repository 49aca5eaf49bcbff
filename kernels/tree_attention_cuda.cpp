#if PEAKBENCH_USE_CUDA
#include "kernels/tree_attention_cuda.h"

#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "kernels/attention_lists.h"

namespace peakbench::kernels {

// The plan's lists on the device, and what they were made for.
struct DevicePlan {
  at::Tensor lists; // bytes
  std::vector<ChunkView> chunks;
  std::int64_t items = 0, partial_rows = 0;
  std::int32_t blocks = 0; // that run at once
};

namespace {

DevicePlan make_plan(const TreeAttentionArguments& arguments, const TreeAttentionPlan& plan,
                     std::span<const ChunkView> chunks, c10::Device device) {
  const auto width = static_cast<std::int32_t>(arguments.head_width);
  DevicePlan made;
  made.blocks = attend_blocks(arguments.element, width);
  const AttentionLists lists(plan, {.group = static_cast<std::int32_t>(arguments.group()),
                                    .kv_heads = static_cast<std::int32_t>(arguments.kv_heads),
                                    .rows = attention_rows(arguments.element, width),
                                    .blocks = made.blocks});
  const at::Tensor host =
      at::empty({static_cast<std::int64_t>(lists.bytes(chunks.size(), plan.paths))}, at::kByte);
  lists.write(chunks, plan.paths, static_cast<std::byte*>(host.mutable_data_ptr()));
  made.lists = host.to(device);
  made.chunks.assign(chunks.begin(), chunks.end());
  made.items = static_cast<std::int64_t>(lists.items().size());
  made.partial_rows = lists.partial_rows();
  return made;
}

} // namespace

void tree_attention_cuda(const TreeAttentionArguments& arguments, const TreeAttentionPlan& plan,
                         std::size_t chunks, c10::Device device) {
  TORCH_CHECK(arguments.head_width % 8 == 0 && arguments.head_width <= kWidestHead,
              "tree_attention takes heads of a multiple of 8 elements up to ", kWidestHead,
              " on CUDA, not ", arguments.head_width);
  const c10::cuda::CUDAGuard guard(device);
  const std::span<const ChunkView> views(arguments.chunks, chunks);
  if (plan.device == nullptr || plan.device->lists.device() != device ||
      !std::equal(views.begin(), views.end(), plan.device->chunks.begin(),
                  plan.device->chunks.end()))
    plan.device = std::make_shared<const DevicePlan>(make_plan(arguments, plan, views, device));
  const DevicePlan& lists = *plan.device;

  const at::Tensor partials =
      at::empty({lists.partial_rows, partial_floats(arguments.kv_heads, arguments.head_width)},
                at::TensorOptions(at::kFloat).device(device));
  AttendArguments launch;
  launch.element = arguments.element;
  launch.lists = static_cast<const AttentionHeader*>(lists.lists.const_data_ptr());
  launch.query = arguments.query;
  launch.query_stride = arguments.heads * arguments.head_width;
  launch.out = arguments.out;
  launch.paths = static_cast<std::int32_t>(arguments.paths);
  launch.heads = static_cast<std::int32_t>(arguments.heads);
  launch.kv_heads = static_cast<std::int32_t>(arguments.kv_heads);
  launch.head_width = static_cast<std::int32_t>(arguments.head_width);
  launch.layer = arguments.layer;
  launch.scale = static_cast<float>(arguments.scale * M_LOG2E);
  launch.place_partials(partials.data_ptr<float>(), lists.partial_rows);
  void* const stream = c10::cuda::getCurrentCUDAStream(device.index()).stream();
  const auto work = static_cast<std::int32_t>(lists.items * arguments.kv_heads);
  launch_attend(launch, std::min(lists.blocks, work), stream);
  launch_merge(launch, stream);
}

} // namespace peakbench::kernels
#endif
