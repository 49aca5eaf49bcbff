// Chat templates are written in Jinja. Its text cut into plain text, {{ expressions }} and
// {% statements %}, with blanks removed as the published templates expect: trim_blocks and
// lstrip_blocks are on (https://jinja.palletsprojects.com/templates).
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace peakbench::llm {

// A template that is wrong, or of which a needed part is not supported; or its own objection.
class JinjaError : public std::runtime_error {
public:
  JinjaError(std::size_t line, const std::string& problem)
      : std::runtime_error("line " + std::to_string(line) + ": " + problem) {}
  explicit JinjaError(const std::string& problem) : std::runtime_error(problem) {}
};

struct JinjaToken {
  enum class Kind { name, integer, number, string, symbol, end };
  Kind kind = Kind::end;
  std::string text; // of a string: its escapes resolved
  std::size_t line = 1;
};

struct JinjaSegment {
  enum class Kind { text, output, statement };
  Kind kind = Kind::text;
  std::string text;               // of kind text
  std::vector<JinjaToken> tokens; // of the others; the last one is `end`
  std::size_t line = 1;
};

std::vector<JinjaSegment> cut_jinja(std::string_view text);

} // namespace peakbench::llm
