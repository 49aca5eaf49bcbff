#include "report/html.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "report/html_assets.h"
#include "report/html_parts.h"
#include "report/html_text.h"

namespace peakbench::report {

namespace {

struct Section {
  std::string id, title;
  std::vector<HtmlBlock> blocks;
};

enum Part { kValidity, kEab, kEp, kRanks, kOther, kParts };

Part part_of(const std::string& title) {
  const auto begins = [&](const char* start) { return title.starts_with(start); };
  if (begins("Validity") || begins("Cases "))
    return kValidity;
  if (begins("EAB"))
    return kEab;
  if (begins("EP"))
    return kEp;
  return begins("Collectives") || begins("Scaling") || begins("Ranks") ? kRanks : kOther;
}

Part part_of(const NamedPlot& plot) {
  const auto begins = [&](const char* start) { return plot.name.starts_with(start); };
  return begins("eab")                                                 ? kEab
         : begins("ep")                                                ? kEp
         : begins("comm") || begins("scaling") || begins("collective") ? kRanks
                                                                       : kOther;
}

// Why gnuplot cannot draw; empty: it can.
std::string gnuplot_problem() {
  try {
    require_gnuplot();
    return "";
  } catch (const UserError& error) {
    return error.what();
  }
}

// Tables and pictures by what they are about; pictures first.
std::vector<Section> sections_of(const HtmlInput& input) {
  std::vector<Section> sections(kParts);
  sections[kOther] = {"comparison", "Comparisons and selections", {}};
  sections[kValidity] = {"validity", "Do the figures hold?", {}};
  sections[kEab] = {"eab", "Entropy-adaptive branching (EAB)", {}};
  sections[kEp] = {"ep", "Equilibrium propagation (EP)", {}};
  sections[kRanks] = {"ranks", "Ranks, collectives, scaling", {}};
  const std::vector<std::string> titles = figure_titles(input.plots);
  if (!input.plots.empty() && gnuplot_problem().empty())
    for (std::size_t i = 0; i < input.plots.size(); ++i)
      sections[part_of(input.plots[i])].blocks.push_back(
          figure_block(input.plots[i], titles[i], fmt::format("picture{}", i + 1)));
  for (std::size_t i = 0; i < input.tables.size(); ++i)
    sections[part_of(input.tables[i].title)].blocks.push_back(
        table_block(input.tables[i], fmt::format("table{}", i + 1)));
  std::rotate(sections.begin(), sections.begin() + kOther, sections.end());
  sections.push_back({"cases", "All cases", case_blocks(input.run)});
  sections.push_back({"origin",
                      "Where the figures come from",
                      {method_block(input.run), environment_block(input.run), files_block(input),
                       configuration_block(input)}});
  sections.push_back({"columns", "Columns", column_blocks(input.run)});
  std::erase_if(sections, [](const Section& section) { return section.blocks.empty(); });
  return sections;
}

// A policy names a hash in base 64.
std::string base64_of_hex(const std::string& hex) {
  constexpr const char* kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < hex.size(); at += 6) { // 3 bytes, 4 digits
    const std::string three = (hex.substr(at, 6) + "0000").substr(0, 6);
    const auto bits = std::stoul(three, nullptr, 16);
    const std::size_t digits = (std::min<std::size_t>(hex.size() - at, 6) * 4 + 5) / 6;
    for (std::size_t digit = 0; digit < 4; ++digit)
      text += digit < digits ? kDigits[(bits >> (18 - 6 * digit)) & 63] : '=';
  }
  return text;
}

std::string head(const std::string& title) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; "
      "form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>{}</style>\n</head>\n",
      base64_of_hex(kHtmlStyleHash), base64_of_hex(kHtmlScriptHash), escaped_line(title),
      kHtmlStyle);
}

std::string title_of(const HtmlInput& input) {
  const std::string name = input.files.empty() ? "" : input.files.front().info.name;
  const std::size_t more = input.files.size() > 1 ? input.files.size() - 1 : 0;
  return (name.empty() ? "peakbench" : name) +
         (more ? fmt::format(" and {} more files", more) : "") + ": peakbench report";
}

// What a reader asks first: of what, when, from which code.
std::string origin_line(const HtmlInput& input) {
  if (input.files.empty())
    return "";
  const auto& [path, info] = input.files.front();
  std::string line = path;
  if (input.files.size() > 1)
    line += fmt::format(" and {} more", input.files.size() - 1);
  if (!info.created.empty())
    line += " \u00b7 begun " + info.created;
  if (!info.git_revision.empty())
    line += " \u00b7 revision " + info.git_revision.substr(0, 12) + (info.git_dirty ? "+" : "");
  line += input.made.empty() ? "" : " \u00b7 page made " + input.made;
  return "<p class=\"origin\">" + whole_words(line) + "</p>\n" +
         (info.command_line.empty()
              ? ""
              : "<p class=\"origin\"><code>" + whole_words(info.command_line) + "</code></p>\n");
}

std::string contents(const std::vector<Section>& sections) {
  std::string html = "<nav aria-label=\"Contents\" class=\"contents\"><details open><summary>"
                     "Contents</summary>\n<ul>\n<li><a href=\"#top\">Summary</a></li>\n";
  for (const Section& section : sections) {
    html += "<li><a href=\"#" + section.id + "\">" + escaped_line(section.title) + "</a>\n<ul>\n";
    for (const HtmlBlock& block : section.blocks)
      html += "<li><a href=\"#" + block.id + "\">" + escaped_line(block.title) + "</a></li>\n";
    html += "</ul></li>\n";
  }
  return html + "</ul></details></nav>\n";
}

std::string section_html(const Section& section) {
  std::string html =
      "<section id=\"" + section.id + "\">\n<h2>" + escaped_line(section.title) + "</h2>\n";
  for (const HtmlBlock& block : section.blocks)
    html += "<article id=\"" + block.id + "\">\n<h3>" + escaped_line(block.title) + "</h3>\n" +
            block.html + "</article>\n";
  return html + "</section>\n";
}

} // namespace

std::string html_report(const HtmlInput& input) {
  const std::vector<Section> sections = sections_of(input);
  const std::string title = title_of(input);
  std::string html = head(title) + "<body id=\"top\">\n" +
                     "<a class=\"skip\" href=\"#main\">To the figures</a>\n"
                     "<header><h1>" +
                     escaped_line(title) + "</h1>\n" + origin_line(input) + "</header>\n" +
                     contents(sections) + "<main id=\"main\" tabindex=\"-1\">\n" +
                     verdict_html(input.run, input.tables) + headlines_html(input.tables);
  if (const std::string problem = input.plots.empty() ? "" : gnuplot_problem(); !problem.empty())
    html += paragraph("This page has no pictures: " + problem, "note doubtful");
  for (const Section& section : sections)
    html += section_html(section);
  return html +
         "</main>\n<footer><p>Made by peakbench-aggregate; everything is in this one file, "
         "and it asks no server for anything.</p></footer>\n<script>" +
         kHtmlScript + "</script>\n</body>\n</html>\n";
}

} // namespace peakbench::report
