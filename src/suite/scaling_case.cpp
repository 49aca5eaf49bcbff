#include "suite/collective_case.h"

namespace peakbench::suite {

results::ScalingRow run_scaling_case(const cluster::Session&, const ScalingPlanned& planned,
                                     const Config&, const Placement&) {
  results::ScalingRow row;
  row.record = planned.record;
  row.record.status = "skipped";
  row.record.reason = "not built yet";
  return row;
}

} // namespace peakbench::suite
