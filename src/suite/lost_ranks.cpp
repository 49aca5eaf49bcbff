#include "suite/lost_ranks.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "suite/unmeasured.h"

namespace peakbench::suite {

std::vector<Placement> gather_placements(const cluster::Session& session, const Placement& mine) {
  const nlohmann::json own{mine.rank, mine.host, mine.device.str(), mine.environment};
  std::vector<Placement> all;
  for (const std::string& text : session.gather(own.dump())) {
    const nlohmann::json one = nlohmann::json::parse(text);
    Placement placement;
    one.at(0).get_to(placement.rank);
    one.at(1).get_to(placement.host);
    placement.device = c10::Device(one.at(2).get<std::string>());
    one.at(3).get_to(placement.environment);
    all.push_back(placement);
  }
  return all;
}

std::string describe_loss(const Placement& placement, double silent_seconds) {
  return fmt::format("rank {} on {} has given no sign of life for {:g} s", placement.rank,
                     placement.host, silent_seconds);
}

std::optional<results::AnyRow> lost_case(const Plan& plan, const Placement& placement,
                                         const cluster::RankSign& sign, double silent_seconds) {
  if (sign.doing == 0)
    return std::nullopt;
  return unmeasured(plan, sign.doing - 1, placement, "failed",
                    describe_loss(placement, silent_seconds));
}

void end_without_the_lost(const cluster::Session& session, const LossEnding& ending,
                          const std::optional<std::string>& error,
                          const std::vector<RankOutcome>& outcomes) {
  if (session.rank() != 0)
    for (;;)
      std::this_thread::sleep_for(std::chrono::hours(1));
  session.abort(ending ? ending(error, outcomes) : kExitFailedCases);
}

} // namespace peakbench::suite
