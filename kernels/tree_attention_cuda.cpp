#if PEAKBENCH_USE_CUDA
#include "kernels/tree_attention_cuda.h"

#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "kernels/tree_attention_device.h"

namespace peakbench::kernels {

// The plan's lists and splits in one buffer on the device.
struct DevicePlan {
  at::Tensor buffer; // bytes: chunks, runs, splits, partials per path
  std::size_t runs_at = 0, splits_at = 0, counts_at = 0;
  std::vector<ChunkView> chunks;
  std::int32_t splits = 0, partials = 0, most_paths = 1;
};

namespace {

class PlanBuilder {
public:
  explicit PlanBuilder(const TreeAttentionPlan& plan)
      : counts_(static_cast<std::size_t>(plan.paths), 0) {
    for (const TreeSegment& segment : plan.segments)
      add_list(std::span(plan.runs).subspan(static_cast<std::size_t>(segment.first_run),
                                            static_cast<std::size_t>(segment.runs)),
               segment.first_path, segment.paths);
  }

  DevicePlan upload(std::span<const ChunkView> chunks, c10::Device device) const {
    DevicePlan plan;
    plan.splits = static_cast<std::int32_t>(splits_.size());
    plan.partials = *std::max_element(counts_.begin(), counts_.end());
    for (const DeviceSplit& split : splits_)
      plan.most_paths = std::max(plan.most_paths, split.paths);
    plan.chunks.assign(chunks.begin(), chunks.end());
    plan.runs_at = chunks.size_bytes();
    plan.splits_at = plan.runs_at + runs_.size() * sizeof(DeviceRun);
    plan.counts_at = plan.splits_at + splits_.size() * sizeof(DeviceSplit);
    const std::size_t bytes = plan.counts_at + counts_.size() * sizeof(std::int32_t);
    at::Tensor host = at::empty({static_cast<std::int64_t>(bytes)}, at::kByte);
    auto* to = static_cast<std::byte*>(host.mutable_data_ptr());
    std::memcpy(to, chunks.data(), plan.runs_at);
    std::memcpy(to + plan.runs_at, runs_.data(), plan.splits_at - plan.runs_at);
    std::memcpy(to + plan.splits_at, splits_.data(), plan.counts_at - plan.splits_at);
    std::memcpy(to + plan.counts_at, counts_.data(), bytes - plan.counts_at);
    plan.buffer = host.to(device);
    return plan;
  }

private:
  // One list of runs that `paths` paths read, in splits of about equal length.
  void add_list(std::span<const SlotRun> list, std::int32_t first_path, std::int32_t paths) {
    const auto first_run = static_cast<std::int32_t>(runs_.size());
    std::int32_t tokens = 0;
    for (const SlotRun& run : list) {
      runs_.push_back({tokens, run.chunk, run.first});
      tokens += run.count;
    }
    const auto last_run = static_cast<std::int32_t>(runs_.size());
    for (std::int32_t begin = 0; begin < tokens; begin += kSplitTokens) {
      const std::int32_t index = counts_[static_cast<std::size_t>(first_path)];
      splits_.push_back({first_run, last_run, begin, std::min(tokens, begin + kSplitTokens),
                         first_path, paths, index});
      for (std::int32_t path = first_path; path < first_path + paths; ++path)
        ++counts_[static_cast<std::size_t>(path)];
    }
  }

  std::vector<DeviceRun> runs_;
  std::vector<DeviceSplit> splits_;
  std::vector<std::int32_t> counts_; // partial results per path
};

} // namespace

void tree_attention_cuda(const TreeAttentionArguments& arguments, const TreeAttentionPlan& plan,
                         std::size_t chunks, c10::Device device) {
  TORCH_CHECK(arguments.head_width <= 256,
              "tree_attention takes heads up to 256 wide on CUDA, not ", arguments.head_width);
  const c10::cuda::CUDAGuard guard(device);
  const std::span<const ChunkView> views(arguments.chunks, chunks);
  if (plan.device == nullptr || plan.device->buffer.device() != device ||
      !std::equal(views.begin(), views.end(), plan.device->chunks.begin(),
                  plan.device->chunks.end()))
    plan.device = std::make_shared<const DevicePlan>(PlanBuilder(plan).upload(views, device));
  const DevicePlan& lists = *plan.device;

  // [partials, paths, heads]: highest, then total, then the sums with head_width
  const std::int64_t rows = lists.partials * arguments.paths * arguments.heads;
  const at::Tensor partials =
      at::empty({rows * (arguments.head_width + 2)}, at::TensorOptions(at::kFloat).device(device));
  DeviceArguments device_arguments;
  device_arguments.tree = arguments;
  const auto* base = static_cast<const std::byte*>(lists.buffer.const_data_ptr());
  device_arguments.tree.chunks = reinterpret_cast<const ChunkView*>(base);
  device_arguments.runs = reinterpret_cast<const DeviceRun*>(base + lists.runs_at);
  device_arguments.splits = reinterpret_cast<const DeviceSplit*>(base + lists.splits_at);
  device_arguments.split_count = lists.splits;
  device_arguments.partials_of_path = reinterpret_cast<const std::int32_t*>(base + lists.counts_at);
  device_arguments.highest = partials.data_ptr<float>();
  device_arguments.total = device_arguments.highest + rows;
  device_arguments.sums = device_arguments.total + rows;
  C10_CUDA_CHECK(launch_tree_attention(device_arguments, lists.most_paths,
                                       c10::cuda::getCurrentCUDAStream(device.index())));
}

} // namespace peakbench::kernels
#endif
