// Values of the template language, and what can be done with them: filters, tests and methods by
// the names that Jinja and Python give them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace peakbench::llm {

// A JSON value; `discarded` stands for undefined.
using JinjaValue = nlohmann::ordered_json; // dictionaries keep their order

// The longest text that a template may make.
inline constexpr std::size_t kLargestText = 64 << 20;
// What a value takes, its parts included. JinjaError if they are nested too deeply: copying, too,
// is by recursion.
std::size_t jinja_bytes(const JinjaValue& value);

inline JinjaValue jinja_undefined() { return JinjaValue(JinjaValue::value_t::discarded); }

bool is_true(const JinjaValue& value);
// As `{{ value }}` prints it. JinjaError for lists and dictionaries.
std::string printed(const JinjaValue& value);
// value[key]; undefined if there is none.
JinjaValue item_of(const JinjaValue& value, const JinjaValue& key);
// value[first:last:step]; null where left out.
JinjaValue slice_of(const JinjaValue& value, const JinjaValue& first, const JinjaValue& last,
                    const JinjaValue& step);
// Number of elements_of().
std::size_t length_of(const JinjaValue& value);
// Elements of a list, keys of a dictionary, characters of a string.
std::vector<JinjaValue> elements_of(const JinjaValue& value);

// JinjaError for a name that is not supported.
JinjaValue apply_filter(const std::string& name, const JinjaValue& value,
                        const std::vector<JinjaValue>& arguments);
bool apply_test(const std::string& name, const JinjaValue& value,
                const std::vector<JinjaValue>& arguments);
JinjaValue call_method(const std::string& name, const JinjaValue& value,
                       const std::vector<JinjaValue>& arguments);
// `operation` is one of + - * / // % ~ == != < <= > >= in.
JinjaValue combine(const std::string& operation, const JinjaValue& a, const JinjaValue& b);

} // namespace peakbench::llm
