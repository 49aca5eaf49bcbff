// Pages of runs made by hand, and what stands in them: read as text, element by element.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "report/examples.h"
#include "report/html.h"
#include "results/examples.h"

namespace peakbench::report::testing {

// What a browser shows of an element's content that has no elements within.
inline std::string unescaped(std::string html) {
  for (const auto& [name, text] : std::vector<std::pair<std::string, std::string>>{
           {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}})
    for (std::size_t at = 0; (at = html.find(name, at)) != html.npos; at += text.size())
      html.replace(at, name.size(), text);
  return html;
}

// The parts between `begin` and the next `end`.
inline std::vector<std::string> between(const std::string& html, const std::string& begin,
                                        const std::string& end) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; (at = html.find(begin, at)) != html.npos;) {
    at += begin.size();
    const std::size_t stop = html.find(end, at);
    if (stop == html.npos)
      throw std::runtime_error("no " + end + " behind " + begin);
    parts.push_back(html.substr(at, stop - at));
  }
  return parts;
}

// The cells of a row: the content of its td and th elements.
inline std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> cells;
  for (std::size_t at = 0; (at = row.find("<t", at)) != row.npos;) {
    const std::size_t start = row.find('>', at) + 1, end = row.find("</t", start);
    cells.push_back(unescaped(row.substr(start, end - start)));
    at = end;
  }
  return cells;
}

// The part of the page that an id names.
inline std::string article(const std::string& html, const std::string& id) {
  return between(html, "<article id=\"" + id + "\">", "</article>").at(0);
}

inline std::vector<std::vector<std::string>> body_cells(const std::string& html) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& row :
       between(between(html, "<tbody>", "</tbody>").at(0), "<tr>", "</tr>"))
    rows.push_back(cells_of(row));
  return rows;
}

inline constexpr const char* kHostile = "<script>document.title = 'taken'</script>";
inline constexpr const char* kHostileImage = "\"><img src=x onerror=\"document.title='taken'\">";

// A run whose texts try to be more than text, in every place that is shown.
inline results::RunData hostile_run() {
  results::RunData run = example_run();
  run.eab[0].prompt_id = kHostile;
  run.eab[1].prompt_id = kHostileImage;
  run.eab[2].validity = std::string("INVALID: ") + kHostile;
  run.ep[0].status = "failed";
  run.ep[0].reason = std::string("</script></table>") + kHostile;
  run.info.name = kHostile;
  run.info.command_line = kHostile;
  run.info.config_yaml = std::string("name: </pre>") + kHostile + "\n";
  results::EnvironmentRow rank;
  rank.host = kHostile;
  rank.variables = std::string("A=1\nB=") + kHostileImage;
  run.environment = {rank, rank};
  run.environment[1].rank = 1;
  results::SourceRow source;
  source.path = kHostileImage;
  run.sources = {source, source};
  return run;
}

inline std::string page_of(const results::RunData& run, const std::vector<Table>& tables,
                           const std::vector<NamedPlot>& plots = {}) {
  return html_report({.run = run,
                      .files = {{run.path, run.info}},
                      .tables = tables,
                      .plots = plots,
                      .command_line = "peakbench-aggregate run.h5 --html page.html",
                      .made = "2026-01-02T03:04:05Z"});
}

} // namespace peakbench::report::testing
