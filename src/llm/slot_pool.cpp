#include "llm/slot_pool.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "measure/tag.h"

namespace peakbench::llm {

void append_run(std::vector<SlotRun>& runs, const SlotRun& run) {
  if (!runs.empty() && runs.back().chunk == run.chunk &&
      runs.back().first + runs.back().count == run.first)
    runs.back().count += run.count;
  else
    runs.push_back(run);
}

std::int64_t tokens_of(std::span<const SlotRun> runs) {
  std::int64_t sum = 0;
  for (const SlotRun& run : runs)
    sum += run.count;
  return sum;
}

SlotPool::SlotPool(const ModelConfig& config, at::ScalarType dtype, at::Device device)
    : shape_{config.layers, 2, 0, config.kv_heads, config.head_width},
      options_(at::TensorOptions().dtype(dtype).device(device)),
      bytes_per_slot_(
          config.kv_bytes_per_token(static_cast<std::int64_t>(c10::elementSize(dtype)))) {}

void SlotPool::make_room(std::int64_t slots) {
  if (slots > free_slots_)
    grow(std::max(slots - free_slots_, slots_ * kGrowthPercent / 100));
}

void SlotPool::grow(std::int64_t slots) {
  TORCH_CHECK(slots <= std::numeric_limits<std::int32_t>::max(),
              "too many slots in a chunk: ", slots);
  std::vector<std::int64_t> shape = shape_;
  shape[2] = slots;
  const measure::TagScope tag(measure::Tag::kv_cache);
  at::Tensor tensor = at::empty(shape, options_);
  const auto count = static_cast<std::int32_t>(slots);
  Chunk chunk{std::vector<std::int32_t>(static_cast<std::size_t>(count), 0), {{0, count}}, count};
  const auto returned =
      std::find_if(tensors_.begin(), tensors_.end(),
                   [](const at::Tensor& existing) { return !existing.defined(); });
  if (returned == tensors_.end()) {
    tensors_.push_back(std::move(tensor));
    chunks_.push_back(std::move(chunk));
  } else {
    chunks_[static_cast<std::size_t>(returned - tensors_.begin())] = std::move(chunk);
    *returned = std::move(tensor);
  }
  slots_ += slots;
  free_slots_ += slots;
}

void SlotPool::take(std::int64_t slots, std::vector<SlotRun>& runs) {
  make_room(slots);
  for (std::size_t i = 0; slots > 0; ++i) {
    Chunk& chunk = chunks_.at(i);
    while (slots > 0 && !chunk.free.empty()) {
      const auto [first, available] = *chunk.free.begin();
      const auto count = static_cast<std::int32_t>(std::min<std::int64_t>(slots, available));
      chunk.free.erase(chunk.free.begin());
      if (count < available)
        chunk.free.emplace(first + count, available - count);
      std::fill_n(chunk.references.begin() + first, count, 1);
      append_run(runs, {static_cast<std::int32_t>(i), first, count});
      chunk.free_slots -= count;
      free_slots_ -= count;
      slots -= count;
    }
  }
}

void SlotPool::retain(std::span<const SlotRun> runs) {
  for (const SlotRun& run : runs) {
    const auto begin =
        chunks_.at(static_cast<std::size_t>(run.chunk)).references.begin() + run.first;
    for (auto reference = begin; reference != begin + run.count; ++reference) {
      TORCH_INTERNAL_ASSERT(*reference > 0, "a free slot was shared");
      ++*reference;
    }
  }
}

void SlotPool::release(std::span<const SlotRun> runs) {
  for (const SlotRun& run : runs) {
    Chunk& chunk = chunks_.at(static_cast<std::size_t>(run.chunk));
    std::int32_t freed = 0; // slots just before `slot` that became free with it
    for (std::int32_t slot = run.first; slot < run.first + run.count; ++slot) {
      std::int32_t& references = chunk.references.at(static_cast<std::size_t>(slot));
      TORCH_INTERNAL_ASSERT(references > 0, "a slot was freed twice");
      if (--references == 0) {
        ++freed;
      } else if (freed > 0) {
        free_run(chunk, slot - freed, freed);
        freed = 0;
      }
    }
    if (freed > 0)
      free_run(chunk, run.first + run.count - freed, freed);
  }
  return_chunks();
}

void SlotPool::free_run(Chunk& chunk, std::int32_t first, std::int32_t count) {
  chunk.free_slots += count;
  free_slots_ += count;
  auto after = chunk.free.lower_bound(first);
  if (after != chunk.free.end() && after->first == first + count) {
    count += after->second;
    after = chunk.free.erase(after);
  }
  if (after != chunk.free.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == first) {
      before->second += count;
      return;
    }
  }
  chunk.free.emplace(first, count);
}

void SlotPool::return_chunks() {
  for (std::size_t i = 0; i < chunks_.size() && free_slots_ > slots_ / 2; ++i) {
    const auto size = static_cast<std::int32_t>(chunks_[i].references.size());
    if (size == 0 || chunks_[i].free_slots < size)
      continue;
    tensors_[i].reset();
    chunks_[i] = {};
    slots_ -= size;
    free_slots_ -= size;
  }
}

void SlotPool::check_writable(std::span<const SlotRun> runs) const {
  for (const SlotRun& run : runs)
    for (std::int32_t slot = run.first; slot < run.first + run.count; ++slot)
      TORCH_CHECK(references(run.chunk, slot) == 1, "slot ", slot, " of chunk ", run.chunk, " has ",
                  references(run.chunk, slot), " holders and must not be written");
}

std::int32_t SlotPool::references(std::int32_t chunk, std::int32_t slot) const {
  const auto& references = chunks_.at(static_cast<std::size_t>(chunk)).references;
  const auto index = static_cast<std::size_t>(slot);
  return index < references.size() ? references[index] : 0; // 0: the chunk was returned
}

} // namespace peakbench::llm
