#include "llm/step_graph.h"

#include <algorithm>

#if PEAKBENCH_USE_CUDA

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <atomic>

#include "measure/memory.h"

namespace peakbench::llm {

namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;

// Pools of LibTorch's own graphs have a second number of 0.
c10::MempoolId_t new_pool() {
  static std::atomic<std::uint64_t> next{0x70656B00};
  return {0, next++};
}

} // namespace

// What is allocated during a capture comes from a pool of the graph's own, which keeps it: nobody
// else gets memory that a replay writes.
class StepGraphs::Graph {
public:
  Graph(c10::cuda::CUDAStream stream, const std::function<void()>& launches)
      : device_(stream.device_index()), pool_(new_pool()) {
    allocator::beginAllocateToPool(device_, pool_,
                                   [stream](cudaStream_t s) { return s == stream.stream(); });
    cudaGraph_t graph = nullptr;
    try {
      C10_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
      try {
        launches();
      } catch (...) {
        C10_CUDA_IGNORE_ERROR(cudaStreamEndCapture(stream, &graph));
        throw;
      }
      C10_CUDA_CHECK(cudaStreamEndCapture(stream, &graph));
      C10_CUDA_CHECK(cudaGraphInstantiate(&graph_, graph, 0));
    } catch (...) {
      if (graph)
        C10_CUDA_IGNORE_ERROR(cudaGraphDestroy(graph));
      release_pool();
      throw;
    }
    C10_CUDA_CHECK_WARN(cudaGraphDestroy(graph));
    allocator::endAllocateToPool(device_, pool_);
  }
  ~Graph() {
    C10_CUDA_CHECK_WARN(cudaGraphExecDestroy(graph_));
    allocator::releasePool(device_, pool_);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  void launch(cudaStream_t stream) const { C10_CUDA_CHECK(cudaGraphLaunch(graph_, stream)); }
  std::int64_t kept_bytes = 0;

private:
  void release_pool() {
    allocator::endAllocateToPool(device_, pool_);
    allocator::releasePool(device_, pool_);
  }

  c10::DeviceIndex device_;
  c10::MempoolId_t pool_;
  cudaGraphExec_t graph_ = nullptr;
};

// Captures need a stream that is not the default one. A sequence runs there the first time, too:
// libraries keep workspaces by stream, which must exist before a capture.
class StepGraphs::Streams {
public:
  explicit Streams(c10::Device device)
      : device_(device), side_(c10::cuda::getStreamFromPool(false, device.index())) {}

  c10::cuda::CUDAStream current() const { return c10::cuda::getCurrentCUDAStream(device_.index()); }

  void run_aside(const std::function<void()>& launches) {
    const auto main = current();
    before_.record(main);
    before_.block(side_);
    {
      const c10::cuda::CUDAStreamGuard guard(side_);
      launches();
    }
    after_.record(side_);
    after_.block(main);
  }

  std::unique_ptr<Graph> capture(const std::function<void()>& launches) {
    const c10::cuda::CUDAStreamGuard guard(side_);
    const measure::MemoryScope scope(measure::DeviceMemory::of(device_));
    auto graph = std::make_unique<Graph>(side_, launches);
    const measure::MemoryReading reading = scope.read();
    graph->kept_bytes = reading.peak_bytes - std::max<std::int64_t>(reading.live_bytes, 0);
    return graph;
  }

  c10::cuda::CUDAEvent sent;

private:
  c10::Device device_;
  c10::cuda::CUDAStream side_;
  c10::cuda::CUDAEvent before_, after_;
};

StepGraphs::StepGraphs(c10::Device device, bool enabled)
    : streams_(device.is_cuda() ? std::make_unique<Streams>(device) : nullptr),
      enabled_(enabled && device.is_cuda()) {}

std::int64_t StepGraphs::run(const Key& key, const std::function<void()>& launches) {
  if (!enabled_) {
    launches();
    return 0;
  }
  const auto found =
      std::find_if(known_.begin(), known_.end(), [&](const Known& k) { return k.key == key; });
  if (found == known_.end()) {
    streams_->run_aside(launches);
    if (known_.size() == kMostKnown) {
      streams_->current().synchronize(); // it may be running
      known_.erase(known_.begin());
    }
    known_.push_back({key, nullptr});
    return 0;
  }
  std::rotate(found, found + 1, known_.end());
  Known& known = known_.back();
  if (!known.graph)
    known.graph = streams_->capture(launches);
  known.graph->launch(streams_->current());
  ++replays_;
  return known.graph->kept_bytes;
}

void* StepGraphs::stream() const { return streams_ ? streams_->current().stream() : nullptr; }

void StepGraphs::mark_sent() {
  if (streams_)
    streams_->sent.record(streams_->current());
}

void StepGraphs::wait_until_sent() {
  if (streams_)
    streams_->sent.synchronize();
}

} // namespace peakbench::llm

#else

namespace peakbench::llm {

class StepGraphs::Graph {};
class StepGraphs::Streams {};
StepGraphs::StepGraphs(c10::Device, bool) : enabled_(false) {}
std::int64_t StepGraphs::run(const Key&, const std::function<void()>& launches) {
  launches();
  return 0;
}
void* StepGraphs::stream() const { return nullptr; }
void StepGraphs::mark_sent() {}
void StepGraphs::wait_until_sent() {}

} // namespace peakbench::llm

#endif

namespace peakbench::llm {

StepGraphs::~StepGraphs() = default;

} // namespace peakbench::llm
