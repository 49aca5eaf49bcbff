#include <fmt/format.h>

#include "base/error.h"
#include "cluster/sharing.h"
#include "suite/commands.h"
#include "suite/plan.h"
#include "suite/selection.h"

namespace peakbench::suite {

int list_command(const ListOptions& options) {
  const Config config = read_config(options.config, options.overrides);
  const Plan plan = make_plan(config);
  double total = 0;
  fmt::print("{:16}  {:>10}  case\n", "id", "cost in s");
  for (const std::size_t index : select_cases(plan, options.only, {}, false)) {
    const PlannedCase& one = plan.cases[index];
    total += one.cost_seconds;
    fmt::print("{:16}  {:10.2f}  {}\n", one.id, one.cost_seconds, plan.label(one));
  }
  fmt::print("{} cases in plan {}, about {:.0f} s of work on one rank (a rough estimate)\n",
             plan.cases.size(), plan.hash, total);
  return kExitOk;
}

} // namespace peakbench::suite
