// The kinds of rows that a results file holds, by the names that users give them, and one way to
// visit them: a kind is one line here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "results/fields.h"
#include "results/member_access.h"
#include "results/store.h"

namespace peakbench::report {

struct Kind {
  std::string_view name;  // as in --rows
  std::string_view cases; // the kind of the cases that its rows belong to; its own name: cases
  bool is_cases() const { return name == cases; }
};

// visit(kind, member) for every kind, cases before what belongs to them; `run.*member` is a vector
// of records with a field list.
template <class Visit>
void for_each_kind(Visit visit) {
  using Run = results::RunData;
  visit(Kind{"eab", "eab"}, &Run::eab);
  visit(Kind{"eab-samples", "eab"}, &Run::eab_repeats);
  visit(Kind{"ep", "ep"}, &Run::ep);
  visit(Kind{"ep-samples", "ep"}, &Run::ep_repeats);
  visit(Kind{"ep-components", "ep"}, &Run::ep_components);
  visit(Kind{"ep-operations", "ep"}, &Run::ep_operations);
  visit(Kind{"ep-training", "ep"}, &Run::ep_training);
  visit(Kind{"comm", "comm"}, &Run::comm);
  visit(Kind{"comm-samples", "comm"}, &Run::comm_repeats);
  visit(Kind{"scaling", "scaling"}, &Run::scaling);
  visit(Kind{"scaling-samples", "scaling"}, &Run::scaling_repeats);
  visit(Kind{"ranks", ""}, &Run::ranks);
  visit(Kind{"environment", ""}, &Run::environment);
  visit(Kind{"sources", ""}, &Run::sources);
}
inline constexpr std::size_t kKinds = 14;
static_assert(results::member_count<results::RunData>() == 2 + kKinds, // path and info
              "a table of RunData is missing in for_each_kind");

// visit(rows) for the rows of one kind; false if there is no such kind.
template <class Run, class Visit>
bool visit_rows(Run& run, std::string_view kind, Visit visit) {
  bool found = false;
  for_each_kind([&](const Kind& one, auto member) {
    if (one.name == kind) {
      found = true;
      visit(run.*member);
    }
  });
  return found;
}

std::vector<Kind> kinds();
// The kind of this name. UserError naming all of them and the one that may be meant.
Kind kind_named(std::string_view name);

struct ColumnOfKind {
  std::string name, unit, description, role; // role: id | independent | measured
  bool is_text = false;
};
// In the order of the field list. UserError as kind_named.
std::vector<ColumnOfKind> columns_of_kind(std::string_view kind);
bool has_column(std::string_view kind, std::string_view column);

// UserError: no such column in any of these kinds; which may be meant, and where it is if
// elsewhere.
[[noreturn]] void refuse_column(const std::string& where, const std::string& column,
                                const std::vector<std::string>& kinds);

} // namespace peakbench::report
