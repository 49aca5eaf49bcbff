// The part of Jinja that chat templates are written in: text, output, for, if, set, and the
// filters, tests and methods of jinja_builtins.cpp. Whatever else stands in a branch that is not
// taken (tools, other roles) does no harm.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "llm/jinja_expression.h"

namespace peakbench::llm {

class JinjaTemplate {
public:
  using Body = std::vector<std::function<void(JinjaScope&, std::string&)>>;

  // JinjaError naming the line.
  explicit JinjaTemplate(std::string_view text);
  // JinjaError if something is needed that is not supported, or if the template objects.
  std::string render(std::map<std::string, JinjaValue> variables) const;

private:
  Body body_;
};

} // namespace peakbench::llm
