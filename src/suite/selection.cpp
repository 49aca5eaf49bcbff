#include "suite/selection.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace peakbench::suite {

namespace {

int turn_of(const eab::Settings& settings) {
  const bool batched = settings.decode == eab::Decode::batched;
  if (settings.arm == eab::Arm::original && !batched)
    return 0; // the reference tree
  if (settings.arm == eab::Arm::cow && batched)
    return 1; // how many samples to draw
  return eab::branches(settings.arm) ? 2 : 3;
}

auto order_key(const Plan& plan, std::size_t index) {
  const PlannedCase& one = plan.cases[index];
  if (one.kind != Kind::eab)
    return std::tuple(1, std::size_t{0}, at::kFloat, std::vector<std::size_t>{}, 0, index);
  const EabPlanned& planned = plan.eab[one.index];
  return std::tuple(0, planned.model, planned.dtype, planned.prompts, turn_of(planned.settings),
                    index);
}

} // namespace

std::vector<std::size_t>
select_cases(const Plan& plan, const std::string& only,
             const std::vector<std::pair<std::string, std::string>>& finished, bool retry_failed) {
  const std::map<std::string, std::string> status_of(finished.begin(), finished.end());
  std::vector<std::size_t> selected;
  for (std::size_t i = 0; i < plan.cases.size(); ++i) {
    const PlannedCase& one = plan.cases[i];
    if (!only.empty() && only != kKindNames[static_cast<std::size_t>(one.kind)])
      continue;
    const auto known = status_of.find(one.id);
    if (known != status_of.end() && (known->second == "ok" || !retry_failed))
      continue;
    selected.push_back(i);
  }
  return selected;
}

std::vector<std::size_t> in_running_order(const Plan& plan, std::vector<std::size_t> selected) {
  std::sort(selected.begin(), selected.end(),
            [&](std::size_t a, std::size_t b) { return order_key(plan, a) < order_key(plan, b); });
  return selected;
}

std::vector<std::size_t> part_of_plan(const Plan& plan, const std::vector<std::size_t>& selected,
                                      int number, int parts) {
  std::vector<std::size_t> shared;
  for (std::size_t i = 0; i < plan.cases.size(); ++i)
    if (is_shared(plan.cases[i].kind))
      shared.push_back(i);
  const std::vector<int> part_of = cluster::share_statically(work_items(plan, shared), parts);
  std::vector<int> wanted(plan.cases.size(), 1);
  for (std::size_t i = 0; i < shared.size(); ++i)
    wanted[shared[i]] = part_of[i] + 1;
  std::vector<std::size_t> chosen;
  for (const std::size_t index : selected)
    if (wanted[index] == number)
      chosen.push_back(index);
  return chosen;
}

} // namespace peakbench::suite
