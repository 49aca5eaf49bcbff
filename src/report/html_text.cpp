#include "report/html_text.h"

#include <algorithm>

#include "report/render.h"
#include "results/text.h"

namespace peakbench::report {

namespace {
constexpr const char* kReplacement = "\xEF\xBF\xBD";

std::string escaped_character(char character) {
  switch (character) {
  case '&':
    return "&amp;";
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '"':
    return "&quot;";
  case '\'':
    return "&#39;";
  case '\r': // a browser would make a line break of it
    return "&#13;";
  case '\n':
  case '\t':
    return {character};
  default:
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == 0x7F ? kReplacement : std::string(1, character);
  }
}
} // namespace

std::string escaped(const std::string& text) {
  std::string html;
  for (const char character : results::storable_text(text))
    html += escaped_character(character);
  return html;
}

std::string escaped_line(const std::string& text) { return escaped(on_one_line(text)); }

std::string whole_words(const std::string& text) {
  const std::string line = on_one_line(text);
  std::string html;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    const std::string word = line.substr(at, end - at);
    html += word.find('-') == word.npos ? escaped(word)
                                        : "<span class=\"word\">" + escaped(word) + "</span>";
    html += end < line.size() ? " " : "";
    at = end + 1;
  }
  return html;
}

std::string paragraph(const std::string& text, const std::string& name) {
  return (name.empty() ? "<p>" : "<p class=\"" + name + "\">") + escaped(text) + "</p>\n";
}

std::string script_json(const std::string& json) {
  std::string text;
  for (const char character : json)
    text += character == '<' ? std::string("\\u003c") : std::string(1, character);
  return text;
}

} // namespace peakbench::report
