// Variables of a template, and what it may spend.
#include "llm/jinja_expression.h"

namespace peakbench::llm {

namespace {

// One user message through a published template takes some thousand steps of some hundred bytes.
constexpr std::size_t kMostBytes = 8 << 20, kBytesPerStep = 64;
constexpr std::size_t kTimesTheInput = 1000;

} // namespace

JinjaScope::JinjaScope(std::map<std::string, JinjaValue> variables)
    : frames_{std::move(variables)}, left_(kMostBytes) {
  for (const auto& [name, value] : frames_.front())
    left_ += kTimesTheInput * jinja_bytes(value);
}

void JinjaScope::spend(std::size_t bytes) const {
  const std::size_t cost = bytes + kBytesPerStep;
  if (cost > left_)
    throw JinjaError("the template does not come to an end, or makes too much text");
  left_ -= cost;
}

void JinjaScope::spend_search(const JinjaValue& in, const JinjaValue& of) const {
  // A search compares many bytes at a time, but in the worst case at every place.
  constexpr std::size_t kAtATime = 256;
  const std::size_t places = jinja_bytes(in), each = jinja_bytes(of) / kAtATime;
  spend(each > 0 && places > left_ / each ? left_ + 1 : places * each);
}

JinjaValue JinjaScope::get(const std::string& name) const {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame)
    if (const auto found = frame->find(name); found != frame->end())
      return found->second;
  return jinja_undefined();
}

void JinjaScope::set_member(const std::string& name, const std::string& member, JinjaValue value) {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame)
    if (const auto found = frame->find(name); found != frame->end() && found->second.is_object()) {
      found->second[member] = std::move(value);
      return;
    }
  throw JinjaError("'" + name + "' is no namespace");
}

} // namespace peakbench::llm
