#include "suite/writer.h"

namespace peakbench::suite {

namespace {

double total_cost(const Plan& plan, const std::vector<std::size_t>& selected) {
  double cost = 0;
  for (const std::size_t index : selected)
    cost += plan.cases[index].cost_seconds;
  return cost;
}

double seconds_of(const results::EabCase& record) { return record.wall_seconds; }
double seconds_of(const results::EpCase& record) { return record.step_seconds; }
double seconds_of(const results::CommCase& record) { return record.seconds; }
double seconds_of(const results::ScalingCase& record) { return record.seconds; }

} // namespace

Writer::Writer(const Plan& plan, const std::vector<std::size_t>& selected, results::Store& store,
               std::ostream& out, bool terminal)
    : plan_(plan), store_(store),
      progress_(out, terminal, selected.size(), total_cost(plan, selected)) {
  for (const std::size_t index : selected)
    case_of_[plan.cases[index].id] = index;
}

void Writer::take(const results::AnyRow& row) {
  store_.append(row);
  std::visit(
      [&](const auto& known) {
        const auto& record = known.record;
        const PlannedCase& one = plan_.cases[case_of_.at(record.case_id)];
        progress_.show({static_cast<int>(record.rank), plan_.label(one), record.status,
                        record.reason, record.validity, seconds_of(record), one.cost_seconds});
      },
      row);
}

void Writer::show(const std::vector<RunningCase>& running) {
  std::vector<RunningLine> lines;
  for (const RunningCase& one : running)
    lines.push_back({one.rank, plan_.label(plan_.cases[one.index]), one.seconds});
  progress_.show_running(std::move(lines));
}

} // namespace peakbench::suite
