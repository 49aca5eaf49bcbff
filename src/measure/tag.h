// What a byte of device memory is for. Every allocation carries the tag of the innermost TagScope
// of the thread that made it; outside any scope that is `workspace`.
#pragma once

#include <c10/util/ThreadLocalDebugInfo.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace peakbench::measure {

enum class Tag : std::uint8_t {
  weights,
  gradients,
  optimizer,
  activations,
  states,
  kv_cache,
  logits,
  workspace,
};
inline constexpr std::size_t kTagCount = 8;
inline constexpr std::array<std::string_view, kTagCount> kTagNames{
    "weights", "gradients", "optimizer", "activations",
    "states",  "kv_cache",  "logits",    "workspace"};

using TagBytes = std::array<std::int64_t, kTagCount>;

constexpr std::size_t index_of(Tag tag) { return static_cast<std::size_t>(tag); }

// The tag of new allocations on this thread while the object lives, and on the threads that
// autograd works with for it. Nests.
class TagScope {
public:
  explicit TagScope(Tag tag);
  ~TagScope() = default;
  TagScope(const TagScope&) = delete;
  TagScope& operator=(const TagScope&) = delete;

private:
  c10::DebugInfoGuard guard_;
};

Tag current_tag();

} // namespace peakbench::measure
