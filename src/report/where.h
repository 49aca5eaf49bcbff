// What rows are wanted: the language of --where.
//
//   expression = condition {"," condition}          all of them must hold
//   condition  = column operator value {"|" value}  several values: one of them (with !=, !~: none)
//   operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"
//   value      = letters up to "," or "|", or a text in '...' or "..." (the quote itself: twice)
//
// Numbers are compared by value (1e6 is 1000000), texts letter by letter; ~ is a pattern with
// * ? [abc], as in file names, on the text of the value. What is absent satisfies nothing but "="
// with an empty value ("reason="), and what is there satisfies "!=" with an empty value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace peakbench::report {

enum class Operation {
  equal,
  unequal,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
  like,
  unlike
};

struct Condition {
  std::string column;
  Operation operation = Operation::equal;
  std::vector<std::string> values;
  std::string place; // for messages: the expression and where in it the values begin
};

// Of all expressions together. UserError naming the expression and the character (from 1) where it
// cannot be read.
std::vector<Condition> parse_where(const std::vector<std::string>& expressions);

// A condition made ready for a column of one type.
class Matcher {
public:
  // UserError if the column holds numbers and a value is none.
  Matcher(const Condition& condition, bool is_text);
  bool operator()(std::int64_t value) const;
  bool operator()(double value) const;
  bool operator()(const std::string& value) const;

private:
  Operation operation_;
  bool or_absent_ = false;           // "" is among the values
  std::vector<long double> numbers_; // holds every int64 and every double exactly
  std::vector<std::string> texts_;   // patterns too

  bool is_pattern() const;
  bool on_absent() const;
  bool on_pattern(const std::string& text) const;
};

} // namespace peakbench::report
