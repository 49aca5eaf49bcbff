#include "measure/cpu_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/alignment.h>
#include <c10/core/impl/alloc_cpu.h>
#include <malloc.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include <atomic>
#include <cstdlib>
#include <limits>

#include "measure/ledger.h"
#include "measure/process_memory.h"

namespace peakbench::measure {
namespace {

// Lies right before the data, so that freeing needs no look-up. Not counted as memory of the
// workload.
struct alignas(c10::gAlignment) Header {
  void* block; // what malloc returned
  std::int64_t bytes;
  std::uintptr_t mark; // mark_of(data): the block is ours
  Tag tag;
};
static_assert(sizeof(Header) == c10::gAlignment);

// Never destroyed: tensors may outlive every static object.
Ledger& ledger() {
  static auto* const books = new Ledger;
  return *books;
}

std::uintptr_t mark_of(const void* data) {
  return reinterpret_cast<std::uintptr_t>(data) ^ 0x7065616B62656E63;
}

// The room before a foreign block is the heap's, readable though nobody's: under the address
// sanitizer it is not, and that tells foreign blocks as well as the mark does.
bool may_have_header([[maybe_unused]] void* data) {
#if defined(__SANITIZE_ADDRESS__)
  return __asan_region_is_poisoned(static_cast<Header*>(data) - 1, sizeof(Header)) == nullptr;
#else
  return true;
#endif
}

void release(void* data) {
  if (data == nullptr)
    return;
  if (!may_have_header(data)) {
    c10::free_cpu(data);
    return;
  }
  const Header header = static_cast<Header*>(data)[-1];
  // oneDNN's blocks carry no deleter of their own: those that were made before this allocator was
  // installed come here, too. (LibTorch's own leave as much room before the data as a header has.)
  if (header.mark != mark_of(data)) {
    c10::free_cpu(data);
    return;
  }
  ledger().remove(header.bytes, header.tag);
  std::free(header.block);
}

class TrackingAllocator final : public c10::Allocator {
public:
  c10::DataPtr allocate(std::size_t bytes) override {
    const c10::Device cpu(c10::DeviceType::CPU);
    if (bytes == 0)
      return {nullptr, nullptr, &release, cpu};

    constexpr std::size_t overhead = 2 * sizeof(Header); // the header, and room to align it
    void* const block = fits(bytes) ? std::malloc(bytes + overhead) : nullptr;
    TORCH_CHECK_WITH(OutOfMemoryError, block != nullptr, "out of memory on the CPU (", bytes,
                     " bytes asked for, ", ledger().live().total, " in use by tensors, ",
                     available_bytes(), " available)");
    // Aligned by hand: before glibc 2.38 a freed block of posix_memalign does not serve the next
    // request of the same size, and the heap grows.
    const auto end_of_room = reinterpret_cast<std::uintptr_t>(block) + overhead;
    void* const data = static_cast<char*>(block) + overhead - end_of_room % c10::gAlignment;
    const Tag tag = current_tag();
    static_cast<Header*>(data)[-1] = {block, static_cast<std::int64_t>(bytes), mark_of(data), tag};
    ledger().add(static_cast<std::int64_t>(bytes), tag);
    return {data, data, &release, cpu};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }

  void copy_data(void* destination, const void* source, std::size_t bytes) const override {
    default_copy_data(destination, source, bytes);
  }

  void forget_room() { room_ = 0; }

private:
  // Linux promises more memory than there is, and later kills the process, and with it all results
  // in flight. So growth beyond what the process already has is compared with what is left. In a
  // repeated step nothing grows, and this is one comparison.
  bool fits(std::size_t bytes) {
    constexpr std::size_t step = std::size_t{64} << 20;
    if (bytes > static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max()) - step)
      return false;
    const std::int64_t needed = ledger().live().total + static_cast<std::int64_t>(bytes);
    if (needed <= room_)
      return true;
    if (static_cast<std::int64_t>(bytes + step) > available_bytes())
      return false;
    room_ = needed + static_cast<std::int64_t>(step);
    return true;
  }

  std::atomic<std::int64_t> room_ = 0; // of live bytes, found to be there
};

// Freed memory stays with the process, to be used again: pages new from the kernel cost a fault and
// a clearing each, 0.35 ms per MB, which would be charged to every step of the arms that need most
// memory. A device's caching allocator does the same. release_unused() gives the pages back.
void keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

class CpuMemory final : public DeviceMemory {
public:
  CpuMemory() {
    keep_freed_memory();
    c10::SetCPUAllocator(allocator_, std::numeric_limits<std::uint8_t>::max());
  }
  c10::Device device() const override { return c10::Device(c10::DeviceType::CPU); }
  LiveBytes live() const override { return ledger().live(); }
  std::int64_t device_used_bytes() const override { return resident_bytes(); }
  void synchronize() const override {}
  void release_unused() override {
    malloc_trim(0);
    allocator_->forget_room();
  }
  void start_timeline(TimelineRecorder& recorder) override { ledger().start_timeline(recorder); }
  Timeline stop_timeline() override { return ledger().stop_timeline(); }
  void mark(std::string_view phase) override { ledger().mark(phase); }

protected:
  int open_scope() override { return ledger().open_scope(); }
  MemoryReading read_scope(int scope) const override { return ledger().read_scope(scope); }
  void close_scope(int scope) override { ledger().close_scope(scope); }

private:
  TrackingAllocator* allocator_ = new TrackingAllocator; // c10 keeps it for good
};

} // namespace

DeviceMemory& cpu_memory() {
  static auto* const memory = new CpuMemory;
  return *memory;
}

} // namespace peakbench::measure
