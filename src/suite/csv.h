// Comma-separated values (RFC 4180), with the line of every row for messages.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace peakbench::suite {

struct CsvRow {
  std::size_t line = 0; // where it begins, from 1
  std::vector<std::string> cells;
};

// Rows of `text`, the header among them; empty lines are left out. Lines end in LF or CRLF, a UTF-8
// byte-order mark is skipped. A quoted cell may hold commas, line breaks and quotes: doubled ones,
// and, as many hand-written files have them, single ones that neither a comma nor a line end
// follows. UserError with file and line for everything else.
std::vector<CsvRow> parse_csv(const std::string& text, const std::string& file);

} // namespace peakbench::suite
