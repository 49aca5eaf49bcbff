// Text as HTML.
#pragma once

#include <string>

namespace peakbench::report {

// As the content of an element or of a quoted attribute, well-formed UTF-8 whatever came in. Line
// breaks and tabs stay; other control characters become U+FFFD.
std::string escaped(const std::string& text);
// The same of the text on one line, as tables show it (on_one_line).
std::string escaped_line(const std::string& text);
// The same, where no word is broken that has room on a line of its own: a browser breaks "--set"
// and "2026-11-22" at their hyphens.
std::string whole_words(const std::string& text);
// <p class="NAME">TEXT</p>; without a class if the name is empty.
std::string paragraph(const std::string& text, const std::string& name = "");
// JSON within a <script> element: nothing in it can end the element.
std::string script_json(const std::string& json);

} // namespace peakbench::report
