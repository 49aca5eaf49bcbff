#include "measure/ledger.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace peakbench::measure {
namespace {

TEST(Ledger, ScopesCloseInReverseOrder) {
  Ledger ledger;
  const int outer = ledger.open_scope();
  const int inner = ledger.open_scope();
  EXPECT_THROW(ledger.close_scope(outer), std::logic_error);
  ledger.close_scope(inner);
  ledger.close_scope(outer);
}

TEST(Ledger, KeepsTheFirstMomentOfEqualPeaks) {
  Ledger ledger;
  const int scope = ledger.open_scope();
  ledger.add(10, Tag::weights);
  ledger.remove(10, Tag::weights);
  const int inner = ledger.open_scope();
  ledger.add(10, Tag::logits);
  EXPECT_EQ(ledger.read_scope(scope).peak_by_tag[index_of(Tag::weights)], 10);
  ledger.close_scope(inner);
  EXPECT_EQ(ledger.read_scope(scope).peak_by_tag[index_of(Tag::weights)], 10);
  ledger.close_scope(scope);
}

// What the ledger spares itself: every open scope looked at on every allocation.
struct SlowScope {
  LiveBytes start, peak;
};

// Random allocations and scopes against the slow way. `forget_inner` is the negative control: peaks
// of inner scopes that never reach the scope around them.
bool agrees_with_slow_way(bool forget_inner) {
  std::mt19937 random(7);
  Ledger ledger;
  LiveBytes live;
  std::vector<SlowScope> slow;
  std::vector<std::pair<std::int64_t, Tag>> blocks;
  for (int step = 0; step < 20000; ++step) {
    switch (random() % 6) {
    case 0:
    case 1: {
      const auto bytes = static_cast<std::int64_t>(random() % 1000);
      const Tag tag = static_cast<Tag>(random() % kTagCount);
      blocks.emplace_back(bytes, tag);
      ledger.add(bytes, tag);
      live.total += bytes;
      live.by_tag[index_of(tag)] += bytes;
      const auto first = forget_inner && !slow.empty() ? slow.end() - 1 : slow.begin();
      for (auto scope = first; scope != slow.end(); ++scope)
        if (live.total > scope->peak.total)
          scope->peak = live;
      break;
    }
    case 2:
    case 3:
      if (!blocks.empty()) {
        const auto [bytes, tag] = blocks.back();
        blocks.pop_back();
        ledger.remove(bytes, tag);
        live.total -= bytes;
        live.by_tag[index_of(tag)] -= bytes;
      }
      break;
    case 4:
      if (slow.size() < 5) {
        ledger.open_scope();
        slow.push_back({live, live});
      }
      break;
    case 5:
      if (!slow.empty()) {
        ledger.close_scope(static_cast<int>(slow.size()) - 1);
        slow.pop_back();
      }
      break;
    }
    for (std::size_t scope = 0; scope < slow.size(); ++scope) {
      const MemoryReading reading = ledger.read_scope(static_cast<int>(scope));
      if (reading.peak_bytes != slow[scope].peak.total - slow[scope].start.total)
        return false;
      for (std::size_t tag = 0; tag < kTagCount; ++tag)
        if (reading.peak_by_tag[tag] !=
            slow[scope].peak.by_tag[tag] - slow[scope].start.by_tag[tag])
          return false;
    }
  }
  return true;
}

TEST(Ledger, AgreesWithLookingAtEveryScopeEveryTime) {
  EXPECT_TRUE(agrees_with_slow_way(false));
  EXPECT_FALSE(agrees_with_slow_way(true));
}

} // namespace
} // namespace peakbench::measure
