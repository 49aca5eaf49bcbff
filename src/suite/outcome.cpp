#include "suite/outcome.h"

#include <c10/util/Exception.h>

#include <new>

#include "base/error.h"

namespace peakbench::suite {

Outcome outcome_of_current_exception() {
  try {
    throw;
  } catch (const c10::OutOfMemoryError& error) {
    return {"out_of_memory", error.what_without_backtrace()};
  } catch (const std::bad_alloc&) {
    return {"out_of_memory", "the host has no memory left"};
  } catch (const TimedOut& error) {
    return {"timed_out", error.what()};
  } catch (const Diverged& error) {
    return {"diverged", error.what()};
  } catch (const c10::Error& error) {
    return {"failed", error.what_without_backtrace()};
  } catch (const std::exception& error) {
    return {"failed", error.what()};
  }
}

results::PeakByTag peak_by_tag(const measure::TagBytes& bytes) {
  const auto of = [&](measure::Tag tag) { return bytes[measure::index_of(tag)]; };
  using measure::Tag;
  return {of(Tag::weights), of(Tag::gradients), of(Tag::optimizer), of(Tag::activations),
          of(Tag::states),  of(Tag::kv_cache),  of(Tag::logits),    of(Tag::workspace)};
}

std::vector<results::RepeatRow> repeat_rows(const std::string& case_id,
                                            const measure::TrialResult& trials,
                                            std::int64_t live_before) {
  std::vector<results::RepeatRow> rows;
  for (const measure::TrialSample& sample : trials.samples) {
    const std::int64_t base = sample.memory.start.total - live_before;
    rows.push_back({case_id, static_cast<std::int64_t>(rows.size()), sample.seconds,
                    sample.memory.peak_bytes + base, sample.resident_peak_bytes,
                    sample.device_used_bytes});
  }
  return rows;
}

} // namespace peakbench::suite
