// What a reader sees first: does it hold, and what came out.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "report/html_parts.h"
#include "report/html_text.h"
#include "report/numbers.h"

namespace peakbench::report {

namespace {

struct Counts {
  std::size_t all = 0, ok = 0, valid = 0, invalid = 0;
};

template <class Record>
void add(Counts& counts, const std::vector<Record>& rows) {
  for (const Record& row : rows) {
    ++counts.all;
    counts.ok += row.status == "ok";
    counts.valid += row.validity.starts_with("VALID");
    counts.invalid += row.validity.starts_with("INVALID");
  }
}

Counts counts_of(const results::RunData& run) {
  Counts counts;
  add(counts, run.eab);
  add(counts, run.ep);
  add(counts, run.comm);
  add(counts, run.scaling);
  return counts;
}

std::size_t invalid_tables(const std::vector<Table>& tables) {
  return static_cast<std::size_t>(std::ranges::count_if(tables, [](const Table& table) {
    const std::size_t at = verdict_word(table.validity);
    return at != std::string::npos && table.validity[at] == 'I';
  }));
}

const char* cases_word(std::size_t count) { return count == 1 ? "case" : "cases"; }

// A figure of a table, as it stands there: of the row that has certain cells; of several such rows
// (other settings) the first and the last, or the greatest.
struct Wanted {
  const char* table; // its title begins so
  const char* first; // the row has these cells, in whatever columns; nullptr: any
  const char* second;
  const char* column;
  const char* label;
  bool greatest = false;
  const char* beyond = nullptr; // not of rows with the least of this column: they are the measure
};

constexpr Wanted kWanted[] = {
    {"EAB: naive, original", "cow", "batched", "speed-up vs naive",
     "cow, batched: speed-up vs naive"},
    {"EAB: naive, original", "cow", "batched", "saving vs original",
     "cow, batched: peak memory saved vs original"},
    {"EP: peak memory beyond", "ep_fused", nullptr, "saving vs backprop",
     "ep_fused: peak memory saved vs back-propagation"},
    {"EP: time of one", "ep_fused", nullptr, "speed-up vs ep_autograd",
     "ep_fused: speed-up vs ep_autograd"},
    // Its honest control: what trains the same layers.
    {"EP: time of one", "ep_fused", nullptr, "time vs truncated backprop",
     "ep_fused: time vs truncated_backprop"},
    {"EP: peak memory beyond", "ep_fused", nullptr, "slope", "ep_fused: memory per layer"},
    {"Collectives", nullptr, nullptr, "bus bandwidth", "collectives: greatest bus bandwidth", true},
    {"Scaling: strong", nullptr, nullptr, "speed-up", "strong scaling: greatest speed-up", true,
     "ranks"},
    {"Scaling: weak", nullptr, nullptr, "speed-up", "weak scaling: greatest speed-up", true,
     "ranks"},
};

using Cells = std::vector<std::string>;

bool has_cell(const Cells& row, const char* text) {
  return text == nullptr || std::ranges::find(row, text) != row.end();
}

double figure(const std::string& cell) { return std::strtod(cell.c_str(), nullptr); }

std::ptrdiff_t place_of(const Table& table, const char* title) {
  const auto found = std::ranges::find(table.columns, title, &Column::title);
  return found == table.columns.end() ? -1 : found - table.columns.begin();
}

// The rows that have the wanted figure.
std::vector<const Cells*> rows_of(const Wanted& wanted, const Table& table) {
  const std::ptrdiff_t column = place_of(table, wanted.column);
  const std::ptrdiff_t measure = wanted.beyond ? place_of(table, wanted.beyond) : -1;
  std::vector<const Cells*> rows;
  if (column < 0 || !table.title.starts_with(wanted.table))
    return rows;
  double least = std::numeric_limits<double>::infinity();
  if (measure >= 0)
    for (const Cells& row : table.rows)
      least = std::min(least, figure(row[measure]));
  for (const Cells& row : table.rows)
    if (has_cell(row, wanted.first) && has_cell(row, wanted.second) && row[column] != kNothing &&
        !(measure >= 0 && figure(row[measure]) <= least))
      rows.push_back(&row);
  if (wanted.greatest && !rows.empty())
    rows = {*std::ranges::max_element(
        rows, {}, [column](const Cells* row) { return figure((*row)[column]); })};
  return rows;
}

// On how much the figure rests, and where it holds: a ratio alone does not tell. "at depth 500, n 5
// over all depths"; of two rows what differs, "optimizer muon ... sgd".
std::string besides(const Wanted& wanted, const Table& table, const Cells& first,
                    const Cells& last) {
  constexpr const char* kTold[] = {"at depth", "reach there", "n"};
  constexpr const char* kToldOfGreatest[] = {"operation", "size", "share", "ranks", "n"};
  const std::ptrdiff_t arm = place_of(table, "arm");
  std::string text;
  const auto tell = [&](std::ptrdiff_t column) {
    const Column& heading = table.columns[column];
    if (first[column] == kNothing)
      return;
    text += (text.empty() ? "" : ", ") + heading.title + " " + first[column] +
            (first[column] == last[column] ? "" : " \u2026 " + last[column]) +
            (heading.unit.empty() ? "" : " " + heading.unit);
    if (heading.title == "n" && place_of(table, "at depth") >= 0)
      text += " over all depths"; // as the column counts them
  };
  for (std::ptrdiff_t column = 0; column < arm; ++column)
    if (first[column] != last[column]) // the settings
      tell(column);
  const auto tell_all = [&](const auto& titles) {
    for (const char* title : titles)
      if (const std::ptrdiff_t column = place_of(table, title); column >= 0)
        tell(column);
  };
  wanted.greatest ? tell_all(kToldOfGreatest) : tell_all(kTold);
  return text;
}

std::string tile(const std::string& value, const std::string& unit, const std::string& label,
                 const std::string& small = "") {
  return "<div class=\"tile\"><dt>" + escaped_line(label) +
         (small.empty() ? "" : "<br><small>" + escaped_line(small) + "</small>") + "</dt><dd><b>" +
         escaped_line(value) + "</b>" +
         (unit.empty() ? "" : " <span class=\"unit\">" + escaped_line(unit) + "</span>") +
         "</dd></div>\n";
}

// The verdicts of the success criteria, counted.
std::string criteria_tiles(const std::vector<Table>& tables) {
  std::string tiles;
  for (const Table& table : tables) {
    const auto column = std::ranges::find(table.columns, "verdict", &Column::title);
    if (column == table.columns.end())
      continue;
    std::size_t passed = 0, failed = 0;
    for (const auto& row : table.rows) {
      passed += row[column - table.columns.begin()] == "PASS";
      failed += row[column - table.columns.begin()] == "FAIL";
    }
    if (passed + failed > 0)
      tiles += tile(fmt::format("{} of {}", passed, passed + failed), "",
                    table.title + " that were tested: passed");
  }
  return tiles;
}

} // namespace

std::string verdict_html(const results::RunData& run, const std::vector<Table>& tables) {
  const Counts counts = counts_of(run);
  const std::size_t bad_tables = invalid_tables(tables), unfinished = counts.all - counts.ok;
  const bool invalid = counts.invalid > 0 || bad_tables > 0;
  const bool whole = unfinished == 0 && counts.valid == counts.all && counts.all > 0;
  const char* word = invalid ? "INVALID" : whole ? "VALID" : counts.all ? "INCOMPLETE" : "EMPTY";
  std::string text = fmt::format("{} {}: {} finished ok, {} VALID", counts.all,
                                 cases_word(counts.all), counts.ok, counts.valid);
  if (counts.invalid > 0)
    text += fmt::format(", {} INVALID", counts.invalid);
  if (unfinished > 0)
    text += fmt::format(", {} not ok", unfinished);
  text += ".";
  const auto chosen = [](const Table& table) {
    return table.validity.find(", a selection") != std::string::npos;
  };
  if (std::ranges::any_of(tables, chosen))
    text += " They are a selection: others were left out (Rows chosen).";
  if (bad_tables > 0)
    text += fmt::format(" {} of the tables below: INVALID.", bad_tables);
  return fmt::format("<p class=\"verdict {}\" id=\"verdict\"><strong>{}</strong> {}</p>\n",
                     invalid ? "bad"
                     : whole ? "good"
                             : "doubtful",
                     word, escaped(text));
}

std::string headlines_html(const std::vector<Table>& tables) {
  std::string tiles;
  for (const Wanted& wanted : kWanted)
    for (const Table& table : tables)
      if (const std::vector<const Cells*> rows = rows_of(wanted, table); !rows.empty()) {
        const std::ptrdiff_t column = place_of(table, wanted.column);
        const Cells &first = *rows.front(), &last = *rows.back();
        const bool several = rows.size() > 1;
        tiles +=
            tile(several ? first[column] + " \u2026 " + last[column] : first[column],
                 table.columns[column].unit,
                 wanted.label +
                     (several ? fmt::format(", first and last of {} settings", rows.size()) : ""),
                 besides(wanted, table, first, last));
        break;
      }
  tiles += criteria_tiles(tables);
  return tiles.empty() ? "" : "<dl class=\"tiles\">\n" + tiles + "</dl>\n";
}

} // namespace peakbench::report
