// The page's style and script (src/report/html), compiled in.
#pragma once

namespace peakbench::report {

extern const char* const kHtmlStyle;
extern const char* const kHtmlScript;
// SHA-256 of each, in hexadecimal: the page's policy runs these two and nothing else.
extern const char* const kHtmlStyleHash;
extern const char* const kHtmlScriptHash;

} // namespace peakbench::report
