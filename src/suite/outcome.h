// How a case ended, and the small steps from measurements to record fields that both kinds share.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "measure/trial.h"
#include "results/records.h"

namespace peakbench::suite {

struct Outcome {
  std::string status = "ok", reason;
};

// Of the exception being handled: out_of_memory, timed_out, diverged or failed.
Outcome outcome_of_current_exception();

results::PeakByTag peak_by_tag(const measure::TagBytes& bytes);

// What every record says about its trials, whatever the fields are called.
template <class Record>
void fill_trials(Record& record, const measure::TrialResult& trials) {
  record.repeats = static_cast<std::int64_t>(trials.samples.size());
  record.stop_reason = measure::name_of(trials.stop);
  record.memory_repeats = trials.memory_repeats ? 1 : 0;
  record.device_used_bytes = trials.largest().device_used_bytes;
  for (const measure::TrialSample& sample : trials.samples)
    if (sample.resident_peak_bytes > record.resident_peak_bytes)
      record.resident_peak_bytes = sample.resident_peak_bytes;
}

// One row per repeat; `base` is added to every peak (an absolute figure where the trial's is
// relative).
std::vector<results::RepeatRow> repeat_rows(const std::string& case_id,
                                            const measure::TrialResult& trials,
                                            std::int64_t live_before);

// Runs `measure(record)` on a copy, so that a case that did not come to its end says nothing but
// why. Interrupted passes: it is no way for a case to end.
template <class Row, class Measure>
void run_guarded(Row& row, Measure measure) {
  Row attempt = row;
  Outcome outcome;
  try {
    measure(attempt);
  } catch (const Interrupted&) {
    throw;
  } catch (...) {
    outcome = outcome_of_current_exception();
  }
  // A body may have decided to skip the case itself.
  if (outcome.status == "ok")
    row = std::move(attempt);
  if (row.record.status.empty()) {
    row.record.status = outcome.status;
    row.record.reason = outcome.reason;
  }
}

} // namespace peakbench::suite
