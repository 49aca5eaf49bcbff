#include "report/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace peakbench::report {

namespace {
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
}

std::string number(double value) {
  if (std::isnan(value))
    return kNothing;
  const double size = std::abs(value);
  if (size == 0)
    return "0";
  if (std::isinf(value) || size < 1e-3 || size >= 1e9)
    return fmt::format("{:.2e}", value);
  if (size >= 1000)
    return fmt::format("{:.0f}", value);
  if (size >= 100)
    return fmt::format("{:.1f}", value);
  if (size >= 10)
    return fmt::format("{:.2f}", value);
  if (size >= 1)
    return fmt::format("{:.3f}", value);
  if (size >= 0.01)
    return fmt::format("{:.4f}", value);
  return fmt::format("{:.5f}", value);
}

std::string count(std::int64_t value) { return value < 0 ? kNothing : fmt::format("{}", value); }

std::string fixed(double value, int decimals) {
  if (std::isnan(value))
    return kNothing;
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  const bool zero = text.find_first_not_of("-0.") == text.npos;
  return zero && text[0] == '-' ? text.substr(1) : text; // no "-0.0000"
}

std::string ratio_text(double ratio) {
  return ratio >= 100 || (ratio > 0 && ratio < 0.1) ? number(ratio) : fixed(ratio, 2);
}

std::string whole(double value) { return fixed(value, value == std::floor(value) ? 0 : 1); }

double real(std::int64_t value) { return value < 0 ? kNan : static_cast<double>(value); }

double median(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty())
    return kNan;
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double greatest(std::span<const double> values) {
  double result = kNan;
  for (const double value : values)
    if (std::isnan(result) || value > result)
      result = value;
  return result;
}

double slope(std::span<const double> x, std::span<const double> y) {
  const auto count = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0, covariance = 0, variance = 0;
  for (std::size_t index = 0; index < x.size(); ++index) {
    mean_x += x[index] / count;
    mean_y += y[index] / count;
  }
  for (std::size_t index = 0; index < x.size(); ++index) {
    covariance += (x[index] - mean_x) * (y[index] - mean_y);
    variance += (x[index] - mean_x) * (x[index] - mean_x);
  }
  return variance > 0 ? covariance / variance : kNan;
}

namespace {
double width_percent(double lower, double middle, double upper, std::int64_t repeats) {
  return middle > 0 && repeats > 1 ? 100 * (upper - lower) / middle : kNan;
}
} // namespace

template <>
double interval_percent(const results::EabCase& row) {
  return width_percent(row.wall_seconds_lower, row.wall_seconds, row.wall_seconds_upper,
                       row.repeats);
}

template <>
double interval_percent(const results::EpCase& row) {
  return width_percent(row.step_seconds_lower, row.step_seconds, row.step_seconds_upper,
                       row.repeats);
}

template <>
double interval_percent(const results::CommCase& row) {
  return width_percent(row.seconds_lower, row.seconds, row.seconds_upper, row.repeats);
}

template <>
double interval_percent(const results::ScalingCase& row) {
  return width_percent(row.seconds_lower, row.seconds, row.seconds_upper, row.repeats);
}

} // namespace peakbench::report
