#include "report/groups.h"

#include <charconv>

namespace peakbench::report {

namespace {

bool to_number(const std::string& text, double& value) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

// Below, equal, above: -1, 0, 1. Numbers come before words.
int compare(const std::string& a, const std::string& b) {
  double left = 0, right = 0;
  const bool left_is = to_number(a, left), right_is = to_number(b, right);
  if (left_is != right_is)
    return left_is ? -1 : 1;
  if (left_is)
    return left < right ? -1 : left > right;
  return a < b ? -1 : a > b;
}

} // namespace

bool setting_less(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (const int order = compare(a[i], b[i]); order != 0)
      return order < 0;
  return a.size() < b.size();
}

} // namespace peakbench::report
