// The parts of a page (html.h), each as HTML.
#pragma once

#include <string>
#include <vector>

#include "report/html.h"

namespace peakbench::report {

// A part with a heading of its own in the table of contents.
struct HtmlBlock {
  std::string id, title, html;
};

// Title, VALID or INVALID, cells and notes. The cells' text is that of the table.
HtmlBlock table_block(const Table& table, const std::string& id);
// Where the word VALID or INVALID of a validity line begins ("VALID: ...", "EAB: INVALID: ...": the
// first INVALID of several kinds, if there is one); npos: there is none.
std::size_t verdict_word(const std::string& validity);
// The table alone. `name`: what a screen reader calls it.
std::string table_html(const Table& table, const std::string& name);

// A heading for each picture: its title, and by which settings it differs where several have it.
std::vector<std::string> figure_titles(const std::vector<NamedPlot>& plots);
// The picture, and the figures in it as a table.
HtmlBlock figure_block(const NamedPlot& plot, const std::string& title, const std::string& id);

// How many cases there are and whether they hold; the figures that most readers look for, from the
// cells of the tables.
std::string verdict_html(const results::RunData& run, const std::vector<Table>& tables);
std::string headlines_html(const std::vector<Table>& tables);

// Every case with every column, as data for the page's script, one block for each kind.
std::vector<HtmlBlock> case_blocks(const results::RunData& run);

// Where the figures come from: machines, files, configuration.
HtmlBlock environment_block(const results::RunData& run);
HtmlBlock files_block(const HtmlInput& input);
HtmlBlock configuration_block(const HtmlInput& input);

// How the figures are measured, and what every column means.
HtmlBlock method_block(const results::RunData& run);
std::vector<HtmlBlock> column_blocks(const results::RunData& run);

} // namespace peakbench::report
