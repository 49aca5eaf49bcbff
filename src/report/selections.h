// Files that hold only some of the cases that were measured, and what tables of such cases say:
// nobody is to take a selection for the whole.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"

namespace peakbench::report {

// "VALID: ..." becomes "VALID, a selection: ..."; what is INVALID stays so.
void mark_as_selection(std::vector<Table>& tables);

// Of a merged file of chosen cases (--to with --where): marks the tables, and adds one with a row
// per source. Nothing of other files.
void add_selections(const results::RunData& run, std::vector<Table>& tables);
// "a.h5 holds only cases with arm=cow", of the baseline of a comparison; "" if it is whole.
std::string selection_note(const results::RunData& run);

} // namespace peakbench::report
