// What an EAB case varies (eab.md).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace peakbench::eab {

enum class Arm { naive, naive_batched, prefill_once, original, cow };
enum class Decode { per_path, batched };
enum class Budget { strict, published };

inline constexpr std::string_view kArmNames[] = {"naive", "naive_batched", "prefill_once",
                                                 "original", "cow"};
inline constexpr std::string_view kDecodeNames[] = {"per_path", "batched"};
inline constexpr std::string_view kBudgetNames[] = {"strict", "published"};
constexpr std::string_view name_of(Arm arm) { return kArmNames[static_cast<int>(arm)]; }
constexpr std::string_view name_of(Decode decode) { return kDecodeNames[static_cast<int>(decode)]; }
constexpr std::string_view name_of(Budget budget) { return kBudgetNames[static_cast<int>(budget)]; }
// Does the arm branch (original, cow), or draw independent samples?
constexpr bool branches(Arm arm) { return arm == Arm::original || arm == Arm::cow; }
// naive is path by path by definition, naive_batched and prefill_once are batched; the others take
// both.
constexpr bool allows(Arm arm, Decode decode) {
  return branches(arm) || (arm == Arm::naive) == (decode == Decode::per_path);
}

struct Settings {
  Arm arm = Arm::cow;
  Decode decode = Decode::batched;
  std::int64_t max_new_tokens = 50;
  std::int64_t branch_factor = 3;
  std::int64_t max_paths = 20;
  double threshold = 0.2; // of the normalised entropy
  double temperature = 0.8;
  std::int64_t top_k = 0; // 0: off
  double top_p = 1;
  double min_prob = 0; // 0: off
  Budget budget = Budget::strict;
  // Synthetic models: children at the given steps instead of the entropy rule; empty otherwise.
  std::vector<std::int64_t> schedule = {};
  std::uint64_t seed = 42;
  std::int64_t samples = 1; // N of the arms that do not branch
};

} // namespace peakbench::eab
