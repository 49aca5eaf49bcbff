#pragma once

#include <string>

namespace peakbench::results {

// Well-formed UTF-8 without NUL: whatever is not becomes U+FFFD. Texts in results files are such.
std::string storable_text(const std::string& text);

} // namespace peakbench::results
