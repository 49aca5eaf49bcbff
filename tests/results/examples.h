// Records with a different value in every field, set through the field lists.
#pragma once

#include <algorithm>
#include <string>

#include "results/fields.h"
#include "results/store.h"

namespace peakbench::results::testing {

template <class Record>
Record filled(int number) {
  Record record;
  int index = 0;
  for (const auto& field : fields<Record>()) {
    ++index;
    std::visit(
        [&]<class Type>(Type& (*get)(Record&)) {
          if constexpr (std::is_same_v<Type, std::string>)
            get(record) = std::string(field.name) + " é→" + std::to_string(number);
          else if constexpr (std::is_same_v<Type, double>)
            get(record) = number + index / 7.0;
          else
            get(record) = (std::int64_t{1} << 40) + number * 1000 + index;
        },
        field.get);
  }
  return record;
}

template <class Record>
bool equal(const Record& a, const Record& b) {
  for (const auto& field : fields<Record>()) {
    const Value left = value_of(field, a), right = value_of(field, b);
    if (is_absent(left) != is_absent(right))
      return false;
    if (!is_absent(left) && left != right)
      return false;
  }
  return true;
}

inline RunInfo example_info() {
  return {"example", "2025-01-02T03:04:05Z", "peakbench run \"a b\"", "0123456789abcdef", "abc123",
          true,      "name: example\n",      "{\"cases\": []}"};
}

inline Timeline timeline_example(int points) {
  Timeline timeline;
  timeline.phases = {"", "settling", "update"};
  timeline.events = 7 * points;
  timeline.span = 8;
  for (int index = 0; index < points; ++index) {
    TimelinePoint point{index / 8.0, 0, {}, index % 3};
    for (std::size_t tag = 0; tag < kTagMembers.size(); ++tag) {
      point.by_tag.*kTagMembers[tag] = (std::int64_t{1} << 33) * index - std::int64_t(tag);
      point.total += point.by_tag.*kTagMembers[tag];
    }
    timeline.points.push_back(point);
  }
  return timeline;
}

inline bool equal(const Timeline& a, const Timeline& b) {
  const auto same = [](const TimelinePoint& left, const TimelinePoint& right) {
    for (const auto tag : kTagMembers)
      if (left.by_tag.*tag != right.by_tag.*tag)
        return false;
    return left.seconds == right.seconds && left.total == right.total && left.phase == right.phase;
  };
  return a.events == b.events && a.span == b.span && a.phases == b.phases &&
         std::ranges::equal(a.points, b.points, same);
}

// `nodes`: length of the tree; the trace depends on the number alone.
inline EabRow eab_example(int number, const std::string& status = "ok", int nodes = 5) {
  EabRow row;
  row.record = filled<EabCase>(number);
  row.record.case_id = "eab" + std::to_string(number);
  row.record.status = status;
  row.record.tree_gap = kAbsentReal;
  row.record.forks = kAbsent;
  for (int repeat = 0; repeat < 3; ++repeat)
    row.repeats.push_back(
        {row.record.case_id, repeat, number + 0.25 * repeat, 100 + repeat, 7, kAbsent});
  row.trace.prompt_tokens = {1, 2, number};
  for (int node = 0; node < nodes; ++node)
    row.trace.nodes.push_back(
        {node, node - 1, 100 + node, node, -0.5 * node, 0.01 * number, node % 2 == 0});
  row.trace.samples = {{nodes - 1, -1.25, "Grüße " + std::to_string(number)},
                       {nodes - 1, -2.5, ""}};
  row.trace.tokens = {{100, " Grüße"}, {101, "\n"}, {102, ""}};
  return row;
}

inline EpRow ep_example(int number, const std::string& status = "ok") {
  EpRow row;
  row.record = filled<EpCase>(number);
  row.record.case_id = "ep" + std::to_string(number);
  row.record.status = status;
  row.repeats.push_back({row.record.case_id, 0, 0.5, 10, 20, 30});
  row.trace.energy = {1.5, 0.5, 0.25};
  for (int layer = 0; layer < number + 4; ++layer)
    row.trace.gradient_norm.push_back(layer / 3.0);
  row.trace.cosine_to_backprop.assign(row.trace.gradient_norm.size(), 0.5);
  row.components.push_back({row.record.case_id, "settling", 2, 0.25, 1000 + number});
  row.operations.push_back({row.record.case_id, "module", "relu", 99, 2000 + number});
  row.training = {{row.record.case_id, 0, kAbsentReal, 2.5, 0.125},
                  {row.record.case_id, 50, 1.5, 1.25, 0.75 + number}};
  return row;
}

} // namespace peakbench::results::testing
