// Case ids and the text form of values.
#include <fmt/format.h>

#include <cmath>

#include "base/hash.h"
#include "results/fields.h"

namespace peakbench::results {

bool is_absent(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value))
    return *integer == kAbsent;
  if (const auto* real = std::get_if<double>(&value))
    return std::isnan(*real);
  return std::get<std::string>(value).empty();
}

std::string text_of(const Value& value) {
  if (is_absent(value))
    return "";
  return std::visit([](const auto& known) { return fmt::format("{}", known); }, value);
}

namespace {

// A text with line breaks must not look like another variable's line.
std::string one_line(const std::string& text) {
  std::string escaped;
  for (const char character : text) {
    if (character == '\\')
      escaped += "\\\\";
    else if (character == '\n')
      escaped += "\\n";
    else
      escaped += character;
  }
  return escaped;
}

template <class Record>
std::string hash_of_independent(const Record& record) {
  std::string lines;
  for (const auto& field : fields<Record>()) {
    if (field.role != Role::independent)
      continue;
    const Value value = value_of(field, record);
    if (!is_absent(value))
      lines += fmt::format("{}={}\n", field.name, one_line(text_of(value)));
  }
  return hash_hex(lines);
}

} // namespace

std::string case_id_of(const EabCase& record) { return hash_of_independent(record); }
std::string case_id_of(const EpCase& record) { return hash_of_independent(record); }
std::string case_id_of(const CommCase& record) { return hash_of_independent(record); }
std::string case_id_of(const ScalingCase& record) { return hash_of_independent(record); }

} // namespace peakbench::results
