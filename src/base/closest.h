// What was probably meant by a word that is not among those allowed.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace peakbench {

// The allowed word closest to what was written, by the number of letters to insert, to remove or to
// replace (Levenshtein); "" if none is close: a third of the letters may differ, two in any case.
std::string closest(std::string_view written, std::span<const std::string> words);

} // namespace peakbench
