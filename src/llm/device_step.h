// A decode step as a GPU does it: fused kernels between the matrix products, about ten launches a
// layer, everything that changes from step to step sent up in one copy, and the launches replayed
// as a CUDA graph. With the kernels' CPU versions that tests have, the same step runs on the CPU.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention_lists.h"
#include "kernels/device_kernels.h"
#include "llm/config.h"
#include "llm/kv_store.h"
#include "llm/layers.h"
#include "llm/rope.h"
#include "llm/step_graph.h"
#include "llm/step_memory.h"

namespace peakbench::llm {

// A model's parts; they outlive the step.
struct StepWeights {
  const ModelConfig& config;
  at::ScalarType dtype;
  at::Device device;
  const Rope& rope;
  const at::Tensor& embedding; // [vocabulary, width]
  const std::vector<Layer>& layers;
  const at::Tensor& final_norm; // float32 [width]
  const OutputHead& head;
};

class DeviceStep {
public:
  DeviceStep(const StepWeights& weights, const kernels::DeviceKernels& kernels, bool graphs);

  // One token per path. Returns logits [paths, vocabulary], which the store's next step overwrites.
  at::Tensor run(std::span<const std::int32_t> tokens, KvStore& store,
                 std::span<const PathId> paths);

  const StepGraphs& graphs() const { return graphs_; }

private:
  // Where things lie in the inputs, in bytes.
  struct Layout {
    std::int64_t ids = 0, cosines = 0, sines = 0, slots = 0, lists = 0;
  };
  Layout layout(std::int64_t rows) const;
  void fill(const Layout& at, std::span<const std::int32_t> tokens,
            std::span<const std::int64_t> positions, const KvStep& step,
            const kernels::AttentionLists& lists, const StepMemory& memory);
  void launch(StepMemory memory, const Layout& at);
  void launch_attention(std::size_t layer, StepMemory& memory, const Layout& at, void* stream);

  StepWeights weights_;
  kernels::DeviceKernels kernels_;
  StepGraphs graphs_;
  kernels::Element element_;
  std::int32_t blocks_ = 0; // of attention that run at once
};

} // namespace peakbench::llm
