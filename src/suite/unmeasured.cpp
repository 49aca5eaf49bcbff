#include "suite/unmeasured.h"

#include "suite/environment.h"

namespace peakbench::suite {

results::AnyRow unmeasured(const Plan& plan, std::size_t index, const Placement& placement,
                           const std::string& status, const std::string& reason) {
  const PlannedCase& one = plan.cases.at(index);
  const auto row_of = [&](auto row, const auto& planned) {
    row.record = planned.record;
    row.record.status = status;
    row.record.reason = reason;
    row.record.rank = placement.rank;
    row.record.host = placement.host;
    row.record.device = device_name(placement.device);
    row.record.environment = placement.environment;
    return row;
  };
  if (one.kind == Kind::eab)
    return row_of(results::EabRow{}, plan.eab[one.index]);
  return row_of(results::EpRow{}, plan.ep[one.index]);
}

} // namespace peakbench::suite
