// One function per format; render() chooses.
#pragma once

#include "report/report.h"

namespace peakbench::report {

std::string render_text(const std::vector<Table>& tables);
std::string render_csv(const std::vector<Table>& tables);
std::string render_json(const std::vector<Table>& tables);
std::string render_markdown(const std::vector<Table>& tables);

// Both are well-formed UTF-8: readers of CSV refuse a whole file for one byte that is not.
// Without line breaks and other control characters.
std::string on_one_line(const std::string& text);
// Quoted where CSV (RFC 4180) asks for it.
std::string csv_cell(const std::string& text);

} // namespace peakbench::report
