// Figures as cells. Absent in, "-" out: nothing is estimated.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "results/records.h"

namespace peakbench::report {

inline constexpr const char* kNothing = "-";
inline constexpr double kMegabyte = 1e6;

// Three or four significant digits, never more than the eye can use; NaN is "-".
std::string number(double value);
std::string count(std::int64_t value); // -1 is "-"
std::string fixed(double value, int decimals);
// Of two figures, to two decimals as far as these tell: 242.7, 10.84, 0.0151.
std::string ratio_text(double ratio);
std::string whole(double value); // medians of counts: 20, or 20.5 between two
// NaN for the absent -1, so that it spreads through arithmetic.
double real(std::int64_t value);

// NaN values are left out; NaN if none is left.
double median(std::vector<double> values);
double greatest(std::span<const double> values);

// Slope of y over x by least squares; NaN with fewer than two different x.
double slope(std::span<const double> x, std::span<const double> y);

// Width of a median's interval in percent of it; NaN if absent, or if a single repeat gave none.
template <class Record>
double interval_percent(const Record& row);

// Columns that a text takes in a terminal: UTF-8, wide and combining characters.
std::size_t display_width(const std::string& text);
// Length in bytes of the character at `at`.
std::size_t character_length(const std::string& text, std::size_t at);
// The character of `length` bytes at `at`.
char32_t code_point(const std::string& text, std::size_t at, std::size_t length);

} // namespace peakbench::report
