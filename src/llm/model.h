// The forward pass on LibTorch. Logits are always float32; no [n, vocabulary] matrix of a prompt is
// made.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <memory>
#include <span>

#include "llm/config.h"
#include "llm/kv_store.h"
#include "llm/model_source.h"

namespace peakbench::kernels {
struct DeviceKernels;
}

namespace peakbench::llm {

// Where the time of forward passes goes, in seconds of the calling thread. Nothing is added on a
// GPU, which works while the thread goes on.
struct ForwardTimes {
  double products = 0;  // with weight matrices, the output head included
  double attention = 0; // with what it takes to write keys and values
};

struct ModelOptions {
  // What decode steps are made of. Null: CUDA's own kernels on a GPU, and LibTorch with the CPU's
  // elsewhere.
  const kernels::DeviceKernels* step_kernels = nullptr;
  bool cuda_graphs = true; // steps on a GPU are replayed as graphs
};

class Model {
public:
  // Loads every weight under measure::Tag::weights. UserError for a model that does not fit the
  // architecture, std::runtime_error (c10::OutOfMemoryError) if memory is short.
  Model(const ModelSource& source, at::ScalarType dtype, at::Device device,
        const ModelOptions& options = {});
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const ModelConfig& config() const;
  at::ScalarType dtype() const;
  at::Device device() const;
  std::int64_t weight_bytes() const;

  // The same tokens for every path (all empty), really computed for each one.
  // Returns the logits of the last position, [paths, vocabulary].
  at::Tensor prefill(std::span<const std::int32_t> tokens, KvStore& store,
                     std::span<const PathId> paths, ForwardTimes* times = nullptr) const;
  // One token per path, after whatever each of them holds. Returns logits [paths, vocabulary]; on a
  // GPU the store's next step overwrites them.
  at::Tensor step(std::span<const std::int32_t> tokens, KvStore& store,
                  std::span<const PathId> paths, ForwardTimes* times = nullptr) const;

  std::unique_ptr<KvStore> make_kv_store(KvKind kind) const;
  // How many steps were replayed as graphs, for tests.
  std::int64_t replayed_steps() const;

private:
  struct Weights;
  std::unique_ptr<Weights> weights_;
};

} // namespace peakbench::llm
