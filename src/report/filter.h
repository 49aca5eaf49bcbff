// Rows that a user asked for (--where), before anything is made of them.
#pragma once

#include <string>
#include <vector>

#include "report/where.h"
#include "results/store.h"

namespace peakbench::report {

// What a filter left of the rows of one kind.
struct Kept {
  std::string kind;
  std::size_t rows = 0, all = 0;
  std::string lacking; // a column of a condition that this kind does not have; empty: none
  // Where no row is left: "arm is naive, cow", what the last rows have instead of what is wanted.
  std::string emptied;
};

// Conditions on columns of cases (eab, ep, comm, scaling). A kind of cases that lacks one of the
// columns keeps none of its rows. Samples, components, operations and training points stay if their
// case does; ranks, environment and sources stay.
//
// With `focus`, the name of a kind of other rows that are looked at (kinds.h), conditions on
// columns of that kind are about its rows, and only the others are about cases.
class Filter {
public:
  // UserError: no kind has such a column; a value is no number where one is needed.
  explicit Filter(std::vector<Condition> conditions, const std::string& focus = "");
  bool empty() const { return of_rows_.empty() && of_cases_.empty(); }
  // One entry per kind that had rows and is filtered: of cases, and the focus.
  std::vector<Kept> apply(results::RunData& run) const;
  // Of rows that are all cases of one kind: 1 for each that stays. None if they are no cases.
  std::vector<char> marks_of_cases(const results::RunData& rows) const;

private:
  std::vector<Condition> of_cases_, of_rows_;
  std::string focus_; // "" for kinds of cases too
};

} // namespace peakbench::report
