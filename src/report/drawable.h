// Characters that no font of this machine has. gnuplot's PNG shows them as boxes the size of the
// picture, so they are replaced there; an SVG keeps them for whoever looks at it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace peakbench::report {

struct CharacterRange {
  char32_t first = 0, last = 0;
};
// Lines like "20-7e a0 3a3-3cf", in hexadecimal, as `fc-list --format '%{charset}\n'` prints them.
std::vector<CharacterRange> ranges_of(std::string_view lines);
std::string drawable(const std::string& text, const std::vector<CharacterRange>& ranges);

// With the fonts that fontconfig knows of; where it cannot be asked, with Latin letters alone.
std::string drawable(const std::string& text);

} // namespace peakbench::report
