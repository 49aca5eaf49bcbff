#include "suite/outcome.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <new>
#include <numeric>
#include <stdexcept>

#include "base/error.h"

namespace peakbench::suite {
namespace {

template <class Error>
results::EpRow row_after(const Error& error) {
  results::EpRow row;
  row.record.arm = "ep_fused";
  run_guarded(row, [&](results::EpRow& attempt) {
    attempt.record.peak_bytes = 7; // measured before it went wrong
    throw error;
  });
  return row;
}

TEST(Outcome, EveryWayToEndHasItsStatus) {
  EXPECT_EQ(row_after(TimedOut("late")).record.status, "timed_out");
  EXPECT_EQ(row_after(Diverged("NaN")).record.status, "diverged");
  EXPECT_EQ(row_after(std::bad_alloc()).record.status, "out_of_memory");
  EXPECT_EQ(row_after(c10::OutOfMemoryError({"f", "file", 1}, "4 TB wanted")).record.status,
            "out_of_memory");
  EXPECT_EQ(row_after(std::runtime_error("odd")).record.status, "failed");
  EXPECT_EQ(row_after(c10::Error({"f", "file", 1}, "shapes")).record.status, "failed");
}

TEST(Outcome, SaysWhyAndKeepsNoHalfMeasurement) {
  const results::EpRow row = row_after(TimedOut("late"));
  EXPECT_EQ(row.record.reason, "late");
  EXPECT_EQ(row.record.peak_bytes, results::kAbsent);
  EXPECT_EQ(row.record.arm, "ep_fused");
}

TEST(Outcome, ACaseThatEndsWellIsOk) {
  results::EpRow row;
  run_guarded(row, [](results::EpRow& attempt) { attempt.record.peak_bytes = 7; });
  EXPECT_EQ(row.record.status, "ok");
  EXPECT_EQ(row.record.reason, "");
  EXPECT_EQ(row.record.peak_bytes, 7);
}

TEST(PeakByTag, KeepsEveryTagInItsPlace) {
  measure::TagBytes bytes{};
  std::iota(bytes.begin(), bytes.end(), 10);
  const results::PeakByTag peak = peak_by_tag(bytes);
  using measure::Tag;
  EXPECT_EQ(peak.weights, bytes[measure::index_of(Tag::weights)]);
  EXPECT_EQ(peak.gradients, bytes[measure::index_of(Tag::gradients)]);
  EXPECT_EQ(peak.optimizer, bytes[measure::index_of(Tag::optimizer)]);
  EXPECT_EQ(peak.activations, bytes[measure::index_of(Tag::activations)]);
  EXPECT_EQ(peak.states, bytes[measure::index_of(Tag::states)]);
  EXPECT_EQ(peak.kv_cache, bytes[measure::index_of(Tag::kv_cache)]);
  EXPECT_EQ(peak.logits, bytes[measure::index_of(Tag::logits)]);
  EXPECT_EQ(peak.workspace, bytes[measure::index_of(Tag::workspace)]);
}

TEST(RepeatRows, ArePerRepeatAndAbsolute) {
  measure::TrialResult trials;
  for (int i = 0; i < 2; ++i) {
    measure::TrialSample sample;
    sample.seconds = 1 + i;
    sample.memory.start.total = 100;
    sample.memory.peak_bytes = 50;
    trials.samples.push_back(sample);
  }
  const auto rows = repeat_rows("id", trials, 30);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].repeat, 1);
  EXPECT_DOUBLE_EQ(rows[1].seconds, 2);
  EXPECT_EQ(rows[1].peak_bytes, 120);
  EXPECT_EQ(repeat_rows("id", trials, 100)[0].peak_bytes, 50);
}

TEST(RunGuarded, AnInterruptIsNoOutcome) {
  results::EabRow row;
  EXPECT_THROW(run_guarded(row, [](results::EabRow&) { throw Interrupted("interrupted"); }),
               Interrupted);
  EXPECT_EQ(row.record.status, "");
}

} // namespace
} // namespace peakbench::suite
