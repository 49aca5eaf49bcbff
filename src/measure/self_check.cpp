#include "measure/self_check.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace peakbench::measure {
namespace {

// A size that no allocator rounds: CUDA's hands out multiples of 512 bytes exactly up to 1 MiB.
constexpr std::int64_t kBlockBytes = std::int64_t{512} << 10;

class Checks {
public:
  explicit Checks(c10::Device device)
      : bytes_(at::TensorOptions().dtype(at::kByte).device(device)) {}

  at::Tensor block() const { return at::empty({kBlockBytes}, bytes_); } // [kBlockBytes]
  std::vector<at::Tensor> blocks(int count) const {
    std::vector<at::Tensor> made;
    made.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      made.push_back(block());
    return made;
  }
  at::Tensor matrix(std::int64_t rows) const { // [rows, 64]
    return at::ones({rows, 64}, bytes_.dtype(at::kFloat));
  }

  void expect_bytes(std::string name, std::int64_t expected, std::int64_t measured) {
    checks_.push_back({std::move(name), fmt::format("{} B", expected),
                       fmt::format("{} B", measured), expected == measured});
  }
  std::vector<Check> take() { return std::move(checks_); }

private:
  at::TensorOptions bytes_;
  std::vector<Check> checks_;
};

std::int64_t sum(const TagBytes& by_tag) {
  return std::accumulate(by_tag.begin(), by_tag.end(), std::int64_t{0});
}

// The published suite read what was live after the memory was freed, and reported 0.00 MB.
void check_freed_before_reading(DeviceMemory& memory, Checks& checks) {
  const MemoryScope scope(memory);
  checks.blocks(8);
  const MemoryReading reading = scope.read();
  checks.expect_bytes("peak of 8 blocks, freed before the reading", 8 * kBlockBytes,
                      reading.peak_bytes);
  checks.expect_bytes("what is live after they were freed", 0, reading.live_bytes);
  checks.expect_bytes("no more than one of 8 blocks at a time", kBlockBytes, [&] {
    const MemoryScope one_by_one(memory);
    for (int i = 0; i < 8; ++i)
      checks.block();
    return one_by_one.read().peak_bytes;
  }());
}

void check_operator(DeviceMemory& memory, Checks& checks) {
  const MemoryScope scope(memory);
  { at::add(checks.block(), checks.block()); }
  checks.expect_bytes("two inputs and the result of an operator", 3 * kBlockBytes,
                      scope.read().peak_bytes);
}

void check_nested_scopes(DeviceMemory& memory, Checks& checks) {
  const MemoryScope outer(memory);
  {
    const at::Tensor kept = checks.block();
    std::int64_t inner_peak = 0;
    {
      const MemoryScope inner(memory);
      checks.blocks(3);
      inner_peak = inner.read().peak_bytes;
    }
    checks.blocks(2);
    checks.expect_bytes("peak of an inner scope", 3 * kBlockBytes, inner_peak);
  }
  checks.expect_bytes("peak of the scope around it", 4 * kBlockBytes, outer.read().peak_bytes);
}

void check_tags(DeviceMemory& memory, Checks& checks) {
  const MemoryScope scope(memory);
  {
    const TagScope keys_and_values(Tag::kv_cache);
    const std::vector<at::Tensor> cache = checks.blocks(5);
    const TagScope scores(Tag::logits);
    checks.blocks(2);
  }
  const MemoryReading reading = scope.read();
  checks.expect_bytes("kv_cache at the peak", 5 * kBlockBytes,
                      reading.peak_by_tag[index_of(Tag::kv_cache)]);
  checks.expect_bytes("logits at the peak", 2 * kBlockBytes,
                      reading.peak_by_tag[index_of(Tag::logits)]);
  checks.expect_bytes("tags sum to the total", reading.peak_bytes, sum(reading.peak_by_tag));
}

void check_repeats(DeviceMemory& memory, Checks& checks) {
  const auto work = [&] {
    const MemoryScope scope(memory);
    at::softmax(at::matmul(checks.matrix(256), checks.matrix(256).t()), -1);
    memory.synchronize();
    return scope.read().peak_bytes;
  };
  work(); // libraries take their workspaces once
  std::int64_t lowest = work(), highest = lowest;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const std::int64_t peak = work();
    lowest = std::min(lowest, peak);
    highest = std::max(highest, peak);
  }
  checks.expect_bytes("the same work needs the same peak", lowest, highest);
}

} // namespace

std::vector<Check> check_memory_tracking(DeviceMemory& memory) {
  Checks checks(memory.device());
  check_freed_before_reading(memory, checks);
  check_operator(memory, checks);
  check_nested_scopes(memory, checks);
  check_tags(memory, checks);
  check_repeats(memory, checks);
  return checks.take();
}

} // namespace peakbench::measure
