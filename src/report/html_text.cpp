#include "report/html_text.h"

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
