// Texts of models and users, made fit to be shown: on one line, without anything that a terminal, a
// picture or XML could take for more than a character.
#pragma once

#include <string>

namespace peakbench::report {

// Line ends become ↵, tabs ⇥; what has no form of its own, or is no UTF-8, becomes U+FFFD.
std::string shown_text(const std::string& text);

// At most `width` columns, the last one "…" where something was left out.
std::string cut_to_width(const std::string& text, std::size_t width);

} // namespace peakbench::report
