// Aligned tables for terminals of 120 columns.
#include <algorithm>

#include "report/numbers.h"
#include "report/render.h"

namespace peakbench::report {

namespace {

constexpr std::size_t kLineWidth = 120;
constexpr std::size_t kLeastWrapped = 18; // a column is not wrapped below this
constexpr std::size_t kLongestName = 40;  // longer words are cut in any case
constexpr std::size_t kGap = 2;

using Lines = std::vector<std::string>;

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::size_t used = display_width(text);
  const std::string blank(width > used ? width - used : 0, ' ');
  return left ? text + blank : blank + text;
}

struct Word {
  std::string text;
  bool spaced; // from the one before
};

// Broken at spaces; `hyphens`: and behind hyphens.
std::vector<Word> words_of(const std::string& text, bool hyphens) {
  std::vector<Word> words;
  bool spaced = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(hyphens ? " -" : " ", at), text.size());
    const bool hyphen = end < text.size() && text[end] == '-';
    words.push_back({text.substr(at, end - at + (hyphen ? 1 : 0)), spaced});
    spaced = !hyphen;
    at = end + 1;
  }
  return words;
}

// Breaks between words, and within a word that is longer than a line.
Lines wrapped(const std::string& text, std::size_t width, bool hyphens = false) {
  Lines lines{""};
  for (const Word& word : words_of(text, hyphens)) {
    std::string& line = lines.back();
    const std::size_t before = display_width(line);
    const std::string gap = word.spaced ? " " : "";
    if (before == 0)
      line = word.text;
    else if (before + gap.size() + display_width(word.text) <= width)
      line += gap + word.text;
    else
      lines.push_back(word.text);
    while (display_width(lines.back()) > width) { // a long word
      const std::string whole = lines.back();
      std::size_t cut = 0;
      while (display_width(whole.substr(0, cut + character_length(whole, cut))) <= width)
        cut += character_length(whole, cut);
      if (cut == 0)
        break; // one character wider than the line
      lines.back() = whole.substr(0, cut);
      lines.push_back(whole.substr(cut));
    }
  }
  return lines;
}

std::size_t longest_word(const std::string& text, bool hyphens) {
  std::size_t longest = 0;
  for (const Word& word : words_of(text, hyphens))
    longest = std::max(longest, display_width(word.text));
  return longest;
}

struct Layout {
  std::vector<std::size_t> widths;
  std::size_t total = 0; // with the gaps
  bool hyphens = false;  // titles break behind hyphens
};

// Of columns that were narrowed: as wide again as their longest word.
Layout with_whole_words(const Table& table, std::vector<std::size_t> widths,
                        const std::vector<std::size_t>& whole, bool hyphens) {
  std::size_t total = 0;
  for (std::size_t index = 0; index < widths.size(); ++index) {
    std::size_t longest = 0;
    for (const auto& row : table.rows)
      longest = std::max(longest, longest_word(on_one_line(row[index]), false));
    widths[index] = std::max(widths[index], std::min({longest, whole[index], kLongestName}));
    total += widths[index] + (index ? kGap : 0);
  }
  return {std::move(widths), total, hyphens};
}

Layout layout_of(const Table& table, bool hyphens) {
  std::vector<std::size_t> widths;
  for (std::size_t index = 0; index < table.columns.size(); ++index) {
    const Column& column = table.columns[index];
    std::size_t width = std::max(longest_word(column.title, hyphens), display_width(column.unit));
    for (const auto& row : table.rows)
      width = std::max(width, display_width(on_one_line(row[index])));
    widths.push_back(width);
  }
  // The widest text gives way until the table fits. If it never does, no name is cut in two for it.
  const std::vector<std::size_t> whole = widths;
  for (;;) {
    std::size_t total = 0, widest = widths.size();
    for (std::size_t index = 0; index < widths.size(); ++index) {
      total += widths[index] + (index ? kGap : 0);
      const bool text = table.columns[index].left && widths[index] > kLeastWrapped;
      if (text && (widest == widths.size() || widths[index] > widths[widest]))
        widest = index;
    }
    if (total <= kLineWidth)
      return {widths, total, hyphens};
    if (widest == widths.size())
      return with_whole_words(table, widths, whole, hyphens);
    widths[widest] =
        std::max(kLeastWrapped, widths[widest] - std::min(widths[widest], total - kLineWidth));
  }
}

// Cells side by side, each of one or more lines; `at_bottom` for headers.
std::string side_by_side(const std::vector<Lines>& cells, const Table& table,
                         const std::vector<std::size_t>& widths, bool at_bottom) {
  std::size_t height = 0;
  for (const Lines& cell : cells)
    height = std::max(height, cell.size());
  std::string text;
  for (std::size_t line = 0; line < height; ++line) {
    std::string row;
    for (std::size_t index = 0; index < cells.size(); ++index) {
      const std::size_t skipped = at_bottom ? height - cells[index].size() : 0;
      const bool inside = line >= skipped && line - skipped < cells[index].size();
      if (index)
        row.append(kGap, ' ');
      row += padded(inside ? cells[index][line - skipped] : "", widths[index],
                    table.columns[index].left);
    }
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  return text;
}

// "max paths 20, temperature 0.5": what the first columns say of a row.
std::string setting_of(const Table& table, const std::vector<std::string>& row) {
  std::string text;
  for (std::size_t index = 0; index < table.settings; ++index)
    text += (index ? ", " : "") + table.columns[index].title + " " + on_one_line(row[index]);
  return text;
}

// The table as it is, or, where it is too wide, with its settings in lines above the rows that they
// hold for. `headings`: one per row, or none.
Table narrowed(const Table& table, std::vector<std::string>& headings) {
  if (table.settings == 0 || layout_of(table, true).total <= kLineWidth)
    return table;
  const auto settings = static_cast<std::ptrdiff_t>(table.settings);
  Table rest = table;
  rest.settings = 0;
  rest.columns.erase(rest.columns.begin(), rest.columns.begin() + settings);
  for (auto& row : rest.rows) {
    headings.push_back(setting_of(table, row));
    row.erase(row.begin(), row.begin() + settings);
  }
  return rest;
}

std::string lines_of(const std::string& text, const std::string& indent) {
  std::string all;
  for (const std::string& line : wrapped(on_one_line(text), kLineWidth - indent.size()))
    all += indent + line + "\n";
  return all;
}

std::string render_one(const Table& whole) {
  std::vector<std::string> headings;
  const Table table = narrowed(whole, headings);
  Layout layout = layout_of(table, false);
  if (layout.total > kLineWidth)
    layout = layout_of(table, true);
  const std::vector<std::size_t>& widths = layout.widths;
  std::string text = on_one_line(table.title) + "\n";
  std::vector<Lines> titles, units;
  for (std::size_t index = 0; index < widths.size(); ++index) {
    titles.push_back(wrapped(table.columns[index].title, widths[index], layout.hyphens));
    units.push_back({table.columns[index].unit});
  }
  text += side_by_side(titles, table, widths, true);
  const auto has_unit = [](const Column& column) { return !column.unit.empty(); };
  if (std::ranges::any_of(table.columns, has_unit))
    text += side_by_side(units, table, widths, true);
  text += std::string(layout.total, '-') + "\n";
  for (std::size_t at = 0; at < table.rows.size(); ++at) {
    if (!headings.empty() && (at == 0 || headings[at] != headings[at - 1]))
      text += lines_of(headings[at] + ":", "");
    std::vector<Lines> cells;
    for (std::size_t index = 0; index < widths.size(); ++index)
      cells.push_back(wrapped(on_one_line(table.rows[at][index]), widths[index]));
    text += side_by_side(cells, table, widths, false);
  }
  if (!table.validity.empty())
    text += lines_of(table.validity, "  ");
  for (const std::string& note : table.notes)
    text += lines_of(note, "  ");
  return text;
}

} // namespace

std::string render_text(const std::vector<Table>& tables) {
  std::string text;
  for (const Table& table : tables)
    text += (text.empty() ? "" : "\n") + render_one(table);
  return text;
}

} // namespace peakbench::report
