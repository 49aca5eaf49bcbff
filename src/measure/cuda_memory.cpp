#include "measure/cuda_memory.h"

#include "base/error.h"

#if PEAKBENCH_USE_CUDA

#include <ATen/Context.h>
#include <c10/core/AllocatorConfig.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "measure/ledger.h"

namespace peakbench::measure {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;

// The tags of one GPU's live blocks, written by the caching allocator's trace events. They come on
// the allocating thread, whose tag they get, with the allocator's lock held: so no call back into
// it here.
class BlockTags {
public:
  void allocated(std::size_t address, std::size_t requested_bytes) {
    // The allocator hands out multiples of this; the rest of a large block that it left unsplit is
    // known to its statistics only (see settle_difference).
    constexpr std::size_t granularity = c10::CachingAllocator::kMinBlockSize;
    const auto bytes =
        static_cast<std::int64_t>((requested_bytes + granularity - 1) / granularity * granularity);
    const Tag tag = current_tag();
    const std::lock_guard lock(mutex_);
    blocks_[address] = {bytes, tag};
    ledger_.add(bytes, tag);
  }
  void freed(std::size_t address) {
    const std::lock_guard lock(mutex_);
    const auto block = blocks_.find(address);
    if (block == blocks_.end())
      return; // older than our books
    ledger_.remove(block->second.bytes, block->second.tag);
    blocks_.erase(block);
  }
  Ledger& ledger() { return ledger_; }

private:
  struct Block {
    std::int64_t bytes;
    Tag tag;
  };
  std::mutex mutex_;
  std::unordered_map<std::size_t, Block> blocks_;
  Ledger ledger_;
};

// What the statistics count beyond the ledger: rests of unsplit blocks, and blocks older than the
// books.
void settle_difference(std::int64_t total, TagBytes& by_tag) {
  for (const std::int64_t bytes : by_tag)
    total -= bytes;
  by_tag[index_of(Tag::workspace)] += total;
}

class CudaMemory final : public DeviceMemory {
public:
  explicit CudaMemory(c10::DeviceIndex index) : index_(index) {}

  c10::Device device() const override { return {c10::DeviceType::CUDA, index_}; }

  LiveBytes live() const override {
    LiveBytes live = tags_.ledger().live();
    live.total = allocated_bytes().current;
    settle_difference(live.total, live.by_tag);
    return live;
  }
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
  BlockTags& tags() { return tags_; }

protected:
  // There is one peak counter per device. It is reset when a scope opens, and what it showed until
  // then is kept for the scope around it.
  int open_scope() override {
    if (!scopes_.empty())
      scopes_.back().peak = std::max(scopes_.back().peak, allocated_bytes().peak);
    const LiveBytes start = live();
    allocator::resetPeakStats(index_);
    scopes_.push_back({start, start.total});
    return tags_.ledger().open_scope();
  }
  MemoryReading read_scope(int scope) const override {
    const auto own = scopes_.begin() + scope;
    std::int64_t peak = allocated_bytes().peak;
    for (auto inner = own; inner != scopes_.end(); ++inner)
      peak = std::max(peak, inner->peak);

    MemoryReading reading = tags_.ledger().read_scope(scope);
    reading.start = own->start;
    reading.peak_bytes = peak - own->start.total;
    settle_difference(reading.peak_bytes, reading.peak_by_tag);
    reading.live_bytes = allocated_bytes().current - own->start.total;
    return reading;
  }
  void close_scope(int scope) override {
    tags_.ledger().close_scope(scope);
    const std::int64_t peak = std::max(scopes_.back().peak, allocated_bytes().peak);
    scopes_.pop_back();
    if (!scopes_.empty())
      scopes_.back().peak = std::max(scopes_.back().peak, peak);
  }

private:
  struct Scope {
    LiveBytes start;
    std::int64_t peak; // highest total, without what the counter has seen since its last reset
  };
  c10::CachingAllocator::Stat allocated_bytes() const {
    constexpr auto all_pools = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    return allocator::getDeviceStats(index_).allocated_bytes[all_pools];
  }

  c10::DeviceIndex index_;
  std::vector<Scope> scopes_;
  mutable BlockTags tags_;
};

// One per GPU of the machine, for the life of the process: trace trackers cannot be taken back.
std::vector<CudaMemory*> attach_to_all_devices() {
  at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
  std::vector<CudaMemory*> devices;
  for (c10::DeviceIndex index = 0; index < c10::cuda::device_count(); ++index)
    devices.push_back(new CudaMemory(index));
  allocator::attachAllocatorTraceTracker([devices](const allocator::TraceEntry& event) {
    BlockTags& tags = devices.at(static_cast<std::size_t>(event.device_))->tags();
    if (event.action_ == allocator::TraceEntry::ALLOC)
      tags.allocated(event.addr_, event.size_);
    if (event.action_ == allocator::TraceEntry::FREE_REQUESTED)
      tags.freed(event.addr_);
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
