#include "llm/device_step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/attention_lists.h"

namespace peakbench::llm {

using kernels::AttentionLists;
using kernels::ChunkView;
using kernels::SlotAddress;
using kernels::SlotRun;

namespace {

kernels::Element element_of(at::ScalarType dtype) {
  return dtype == at::kFloat      ? kernels::Element::float32
         : dtype == at::kBFloat16 ? kernels::Element::bfloat16
                                  : kernels::Element::float16;
}

std::int64_t aligned(std::int64_t bytes) { return (bytes + 15) / 16 * 16; }

std::int32_t narrow(std::int64_t value) { return static_cast<std::int32_t>(value); }

const float* norm_of(const at::Tensor& weight) {
  return weight.defined() ? weight.const_data_ptr<float>() : nullptr;
}

} // namespace

DeviceStep::DeviceStep(const StepWeights& weights, const kernels::DeviceKernels& kernels,
                       bool graphs)
    : weights_(weights), kernels_(kernels), graphs_(weights.device, graphs),
      element_(element_of(weights.dtype)) {}

at::Tensor DeviceStep::run(std::span<const std::int32_t> tokens, KvStore& store,
                           std::span<const PathId> paths) {
  const ModelConfig& c = weights_.config;
  for (const std::int32_t token : tokens)
    TORCH_CHECK(token >= 0 && token < c.vocabulary, "there is no token ", token);
  std::vector<std::int64_t> positions;
  for (const PathId path : paths)
    positions.push_back(store.length(path));
  store.reserve(paths, 1);
  const KvStep step = store.step();
  const c10::OptionalDeviceGuard guard(weights_.device);
  if (blocks_ == 0)
    blocks_ = kernels_.attend_blocks(element_, narrow(c.head_width));
  const AttentionLists lists(step.plan,
                             {.group = narrow(c.heads / c.kv_heads),
                              .kv_heads = narrow(c.kv_heads),
                              .rows = kernels::attention_rows(element_, narrow(c.head_width)),
                              .blocks = blocks_});
  const auto count = static_cast<std::int64_t>(paths.size());
  const std::int64_t rows = padded_rows(count);
  const Layout at = layout(rows);
  const std::int64_t bytes =
      at.lists + static_cast<std::int64_t>(lists.bytes(step.chunks.size(), narrow(rows)));

  std::shared_ptr<StepMemory>& kept = store.step_memory();
  if (!kept)
    kept = std::make_shared<StepMemory>();
  graphs_.wait_until_sent();
  kept->make_room(c, weights_.dtype, weights_.device, rows, bytes,
                  lists.partial_rows() * kernels::partial_floats(c.kv_heads, c.head_width));
  const StepMemory memory = kept->first_rows(rows);
  fill(at, tokens, positions, step, lists, memory);
  memory.inputs.narrow(0, 0, bytes).copy_(memory.host.narrow(0, 0, bytes), /*non_blocking=*/true);
  graphs_.mark_sent();

  kept->keep_beside(weights_.device, graphs_.run(memory.addresses(), [&] { launch(memory, at); }));
  return memory.logits.narrow(0, 0, count);
}

DeviceStep::Layout DeviceStep::layout(std::int64_t rows) const {
  const std::int64_t angles = aligned(rows * weights_.config.head_width / 2 * 4);
  Layout at;
  at.cosines = at.ids + aligned(rows * 4);
  at.sines = at.cosines + angles;
  at.slots = at.sines + angles;
  at.lists = at.slots + rows * static_cast<std::int64_t>(sizeof(SlotAddress));
  return at;
}

// Rows beyond the paths are computed, too: from token 0, turned by nothing, written nowhere.
void DeviceStep::fill(const Layout& at, std::span<const std::int32_t> tokens,
                      std::span<const std::int64_t> positions, const KvStep& step,
                      const AttentionLists& lists, const StepMemory& memory) {
  auto* const to = static_cast<std::byte*>(memory.host.mutable_data_ptr());
  std::memset(to, 0, static_cast<std::size_t>(at.lists));
  std::memcpy(to + at.ids, tokens.data(), tokens.size_bytes());

  const std::int64_t half = weights_.config.head_width / 2;
  auto* cosine = reinterpret_cast<float*>(to + at.cosines);
  auto* sine = reinterpret_cast<float*>(to + at.sines);
  for (std::size_t i = 0; i < positions.size(); ++i, cosine += half, sine += half)
    if (i > 0 && positions[i] == positions[i - 1]) { // as all paths of a prompt
      std::copy_n(cosine - half, half, cosine);
      std::copy_n(sine - half, half, sine);
    } else {
      weights_.rope.angles(positions[i], cosine, sine);
    }

  auto* slot = reinterpret_cast<SlotAddress*>(to + at.slots);
  for (const SlotRun& run : step.new_slots) {
    const at::Tensor& chunk = step.chunks[static_cast<std::size_t>(run.chunk)];
    const std::int64_t bytes = chunk.stride(2) * chunk.element_size();
    for (std::int32_t i = 0; i < run.count; ++i)
      *slot++ = {static_cast<std::byte*>(chunk.mutable_data_ptr()) + (run.first + i) * bytes,
                 chunk.size(2)};
  }

  std::vector<ChunkView> chunks;
  for (const at::Tensor& chunk : step.chunks)
    chunks.push_back(chunk.defined() ? ChunkView{chunk.const_data_ptr(), chunk.size(2)}
                                     : ChunkView{}); // returned by the pool; no run names it
  lists.write(chunks, narrow(memory.rows), to + at.lists);
}

// Nothing here may depend on more than the key of DeviceStep::run says.
void DeviceStep::launch(StepMemory memory, const Layout& at) {
  const ModelConfig& c = weights_.config;
  void* const stream = graphs_.stream();
  const auto* const inputs = static_cast<const std::byte*>(memory.inputs.const_data_ptr());
  kernels_.embed({element_, weights_.embedding.const_data_ptr(),
                  reinterpret_cast<const std::int32_t*>(inputs + at.ids),
                  memory.residual.mutable_data_ptr<float>(), memory.rows, narrow(c.width)},
                 stream);
  const void* added = nullptr; // to the residual stream, by the next norm
  const auto norm = [&](const at::Tensor& weight) {
    kernels_.norm({element_, memory.residual.mutable_data_ptr<float>(), added,
                   weight.const_data_ptr<float>(), memory.normed.mutable_data_ptr(), memory.rows,
                   narrow(c.width), static_cast<float>(c.norm_epsilon)},
                  stream);
    added = memory.added.const_data_ptr();
  };
  for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
    const Layer& layer = weights_.layers[i];
    norm(layer.attention_norm);
    layer.qkv.product(memory.normed, memory.qkv);
    launch_attention(i, memory, at, stream);
    layer.attention_out.product(memory.mixed, memory.added);
    norm(layer.mlp_norm);
    layer.gate_up.product(memory.normed, memory.gate_up);
    kernels_.silu({element_, memory.gate_up.const_data_ptr(), memory.hidden.mutable_data_ptr(),
                   memory.rows, narrow(c.mlp_width)},
                  stream);
    layer.down.product(memory.hidden, memory.added);
  }
  norm(weights_.final_norm);
  weights_.head.product(memory.normed, memory.logits);
}

void DeviceStep::launch_attention(std::size_t index, StepMemory& memory, const Layout& at,
                                  void* stream) {
  const ModelConfig& c = weights_.config;
  const Layer& layer = weights_.layers[index];
  const auto* const inputs = static_cast<const std::byte*>(memory.inputs.const_data_ptr());
  kernels::DeviceRotation rotation;
  rotation.element = element_;
  rotation.qkv = memory.qkv.mutable_data_ptr();
  rotation.rows = rotation.positions = memory.rows;
  rotation.heads = narrow(c.heads);
  rotation.kv_heads = narrow(c.kv_heads);
  rotation.head_width = narrow(c.head_width);
  rotation.query_norm = norm_of(layer.query_norm);
  rotation.key_norm = norm_of(layer.key_norm);
  rotation.epsilon = static_cast<float>(c.norm_epsilon);
  rotation.cosine = reinterpret_cast<const float*>(inputs + at.cosines);
  rotation.sine = reinterpret_cast<const float*>(inputs + at.sines);
  rotation.slots = reinterpret_cast<const SlotAddress*>(inputs + at.slots);
  rotation.layer = static_cast<std::int64_t>(index);
  kernels_.rotate(rotation, stream);

  kernels::AttendArguments attend;
  attend.element = element_;
  attend.lists = reinterpret_cast<const kernels::AttentionHeader*>(inputs + at.lists);
  attend.query = memory.qkv.const_data_ptr();
  attend.query_stride = memory.qkv.stride(0);
  attend.out = memory.mixed.mutable_data_ptr();
  attend.paths = narrow(memory.rows);
  attend.heads = narrow(c.heads);
  attend.kv_heads = narrow(c.kv_heads);
  attend.head_width = narrow(c.head_width);
  attend.layer = static_cast<std::int64_t>(index);
  attend.scale = static_cast<float>(M_LOG2E / std::sqrt(static_cast<double>(c.head_width)));
  attend.place_partials(memory.partials.mutable_data_ptr<float>(),
                        memory.partial_floats / kernels::partial_floats(c.kv_heads, c.head_width));
  kernels_.attend(attend, blocks_, stream);
  kernels_.merge(attend, stream);
}

} // namespace peakbench::llm
