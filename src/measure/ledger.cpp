#include "measure/ledger.h"

#include <stdexcept>
#include <utility>

namespace peakbench::measure {

void Ledger::add(std::int64_t bytes, Tag tag) {
  const std::lock_guard lock(mutex_);
  live_.total += bytes;
  live_.by_tag[index_of(tag)] += bytes;
  ++allocations_;
  if (!scopes_.empty() && live_.total > scopes_.back().peak.total)
    scopes_.back().peak = live_;
  if (recorder_ != nullptr) [[unlikely]]
    recorder_->record(live_);
}

void Ledger::remove(std::int64_t bytes, Tag tag) {
  const std::lock_guard lock(mutex_);
  live_.total -= bytes;
  live_.by_tag[index_of(tag)] -= bytes;
  if (recorder_ != nullptr) [[unlikely]]
    recorder_->record(live_);
}

LiveBytes Ledger::live() const {
  const std::lock_guard lock(mutex_);
  return live_;
}

int Ledger::open_scope() {
  const std::lock_guard lock(mutex_);
  scopes_.push_back({live_, live_, allocations_});
  return static_cast<int>(scopes_.size()) - 1;
}

MemoryReading Ledger::read_scope(int scope) const {
  const std::lock_guard lock(mutex_);
  const Scope& own = scopes_.at(static_cast<std::size_t>(scope));
  const LiveBytes* peak = &own.peak;
  for (std::size_t inner = static_cast<std::size_t>(scope) + 1; inner < scopes_.size(); ++inner)
    if (scopes_[inner].peak.total > peak->total)
      peak = &scopes_[inner].peak;

  MemoryReading reading;
  reading.start = own.start;
  reading.peak_bytes = peak->total - own.start.total;
  for (std::size_t tag = 0; tag < kTagCount; ++tag)
    reading.peak_by_tag[tag] = peak->by_tag[tag] - own.start.by_tag[tag];
  reading.live_bytes = live_.total - own.start.total;
  reading.allocations = allocations_ - own.allocations_before;
  return reading;
}

void Ledger::close_scope(int scope) {
  const std::lock_guard lock(mutex_);
  if (scope != static_cast<int>(scopes_.size()) - 1)
    throw std::logic_error("memory scopes must be closed in the reverse order of their opening");
  const LiveBytes peak = scopes_.back().peak;
  scopes_.pop_back();
  if (!scopes_.empty() && peak.total > scopes_.back().peak.total)
    scopes_.back().peak = peak;
}

void Ledger::start_timeline(TimelineRecorder& recorder) {
  const std::lock_guard lock(mutex_);
  if (recorder_ != nullptr)
    throw std::logic_error("a memory timeline is being recorded already");
  recorder.begin(live_);
  recorder_ = &recorder;
}

Timeline Ledger::stop_timeline() {
  const std::lock_guard lock(mutex_);
  if (recorder_ == nullptr)
    throw std::logic_error("no memory timeline is being recorded");
  return std::exchange(recorder_, nullptr)->finish(live_);
}

void Ledger::mark(std::string_view phase) {
  const std::lock_guard lock(mutex_);
  if (recorder_ != nullptr)
    recorder_->mark(phase, live_);
}

} // namespace peakbench::measure
