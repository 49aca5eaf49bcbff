#include "measure/cuda_memory.h"

#include "base/error.h"

#if PEAKBENCH_USE_CUDA

#include <ATen/Context.h>
#include <c10/core/AllocatorConfig.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

#include <vector>

#include "measure/counted_books.h"

namespace peakbench::measure {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;

class CudaMemory final : public DeviceMemory {
public:
  explicit CudaMemory(c10::DeviceIndex index) : index_(index) {}

  c10::Device device() const override { return {c10::DeviceType::CUDA, index_}; }
  LiveBytes live() const override { return books_.live(counter()); }
  std::int64_t device_used_bytes() const override {
    const auto [free, total] = allocator::get()->getMemoryInfo(index_);
    return static_cast<std::int64_t>(total - free);
  }
  void synchronize() const override {
    const c10::cuda::CUDAGuard guard(index_);
    c10::cuda::device_synchronize();
  }
  void release_unused() override {
    synchronize();
    allocator::emptyCache();
  }
  void start_timeline(TimelineRecorder& recorder) override { books_.start_timeline(recorder); }
  Timeline stop_timeline() override { return books_.stop_timeline(counter()); }
  void mark(std::string_view phase) override { books_.mark(phase); }

  // Called on the allocating thread with the allocator's lock held: so no call back into it here.
  void book(const allocator::TraceEntry& event) {
    // The event has the size that was asked for; blocks are multiples of this.
    constexpr std::size_t granularity = c10::CachingAllocator::kMinBlockSize;
    if (event.action_ == allocator::TraceEntry::ALLOC)
      books_.allocated(event.addr_, static_cast<std::int64_t>((event.size_ + granularity - 1) /
                                                              granularity * granularity));
    if (event.action_ == allocator::TraceEntry::FREE_REQUESTED)
      books_.freed(event.addr_);
  }

protected:
  int open_scope() override {
    const int scope = books_.open_scope(counter());
    allocator::resetPeakStats(index_);
    return scope;
  }
  MemoryReading read_scope(int scope) const override { return books_.read_scope(scope, counter()); }
  void close_scope(int scope) override { books_.close_scope(scope, counter()); }

private:
  Counter counter() const {
    constexpr auto all_pools = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    const auto bytes = allocator::getDeviceStats(index_).allocated_bytes[all_pools];
    return {bytes.current, bytes.peak};
  }

  c10::DeviceIndex index_;
  CountedBooks books_;
};

// One per GPU of the machine, for the life of the process: trace trackers cannot be taken back.
std::vector<CudaMemory*> attach_to_all_devices() {
  at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
  std::vector<CudaMemory*> devices;
  for (c10::DeviceIndex index = 0; index < c10::cuda::device_count(); ++index)
    devices.push_back(new CudaMemory(index));
  allocator::attachAllocatorTraceTracker([devices](const allocator::TraceEntry& event) {
    devices.at(static_cast<std::size_t>(event.device_))->book(event);
  });
  return devices;
}

} // namespace

DeviceMemory& cuda_memory(c10::DeviceIndex index) {
  const int count = at::hasCUDA() ? c10::cuda::device_count() : 0;
  if (index < 0 || index >= count)
    throw UserError("no device cuda:" + std::to_string(index),
                    count == 0 ? "this machine has no usable GPU"
                               : "this machine has " + std::to_string(count) + " GPUs",
                    "Use --set device=cpu, or see nvidia-smi.");
  static const std::vector<CudaMemory*> devices = attach_to_all_devices();
  return *devices.at(static_cast<std::size_t>(index));
}

} // namespace peakbench::measure

#else

namespace peakbench::measure {

DeviceMemory& cuda_memory(c10::DeviceIndex index) {
  throw UserError("no device cuda:" + std::to_string(index), "this build has no CUDA",
                  "Use the CPU, or build where nvcc is found with -DPEAKBENCH_CUDA=ON.");
}

} // namespace peakbench::measure

#endif
