#include "llm/jinja.h"

#include <algorithm>
#include <memory>
#include <optional>

namespace peakbench::llm {

namespace {

using Body = JinjaTemplate::Body;
using Words = std::vector<std::string>;
constexpr int kDeepest = 100; // of statements, as of brackets

void run(const Body& body, JinjaScope& scope, std::string& out) {
  for (const auto& node : body) {
    const std::size_t before = out.size();
    node(scope, out);
    scope.spend(out.size() - before);
  }
}

class Parser {
public:
  explicit Parser(std::vector<JinjaSegment> segments) : segments_(std::move(segments)) {}

  Body parse() {
    Body body = parse_until({});
    if (at_ < segments_.size())
      throw JinjaError(segments_[at_].line, "'" + word() + "' closes nothing");
    return body;
  }

private:
  // The first word of the statement at hand.
  std::string word() const { return segments_[at_].tokens.front().text; }
  Body parse_until(const Words& ends);
  void parse_statement(Body& body);
  void parse_if(Body& body);
  void parse_for(Body& body);
  void parse_set(Body& body);
  // The reader behind the statement's first word; the statement is taken.
  JinjaReader take() {
    JinjaReader reader(segments_[at_++].tokens);
    reader.need_name();
    return reader;
  }
  // A statement of that word alone.
  void take_end(const std::string& expected) {
    if (at_ >= segments_.size())
      throw JinjaError("'" + expected + "' is missing");
    if (word() != expected)
      throw JinjaError(segments_[at_].line, "'" + word() + "' where '" + expected + "' is needed");
    take().need_end();
  }

  std::vector<JinjaSegment> segments_; // never moved: readers refer to their tokens
  std::size_t at_ = 0;
  int depth_ = 0;
};

// Up to a statement that begins with one of `ends`, which is left, or to the end of the template.
Body Parser::parse_until(const Words& ends) {
  constexpr std::string_view closing[] = {"endif", "elif", "else", "endfor", "endset", "endmacro"};
  Body body;
  if (++depth_ > kDeepest)
    throw JinjaError("statements are nested too deeply");
  while (at_ < segments_.size()) {
    const JinjaSegment& segment = segments_[at_];
    if (segment.kind == JinjaSegment::Kind::text) {
      body.push_back([text = segment.text](JinjaScope&, std::string& out) { out += text; });
      ++at_;
    } else if (segment.kind == JinjaSegment::Kind::output) {
      JinjaReader reader(segment.tokens);
      body.push_back([value = reader.expression()](JinjaScope& scope, std::string& out) {
        out += printed(value(scope));
      });
      reader.need_end();
      ++at_;
    } else {
      const std::string first = word();
      if (std::find(ends.begin(), ends.end(), first) != ends.end() ||
          std::find(std::begin(closing), std::end(closing), first) != std::end(closing))
        break;
      parse_statement(body);
    }
  }
  --depth_;
  return body;
}

void Parser::parse_statement(Body& body) {
  const std::string first = word();
  if (first == "if")
    return parse_if(body);
  if (first == "for")
    return parse_for(body);
  if (first == "set")
    return parse_set(body);
  if (first == "generation" || first == "endgeneration") { // marks what a model wrote
    take().need_end();
    return;
  }
  if (first == "macro") { // calling it is not supported, having it is
    take();
    parse_until({"endmacro"});
    return take_end("endmacro");
  }
  throw JinjaError(segments_[at_].line, "statement '" + first + "' is not supported");
}

void Parser::parse_if(Body& body) {
  std::vector<std::pair<JinjaExpression, Body>> branches;
  std::optional<Body> otherwise;
  do {
    JinjaReader reader = take();
    JinjaExpression condition = reader.expression();
    reader.need_end();
    branches.emplace_back(std::move(condition), parse_until({"elif", "else", "endif"}));
  } while (at_ < segments_.size() && word() == "elif");
  if (at_ < segments_.size() && word() == "else") {
    take().need_end();
    otherwise = parse_until({"endif"});
  }
  take_end("endif");
  // Shared: the body around this one is part of another one, and so on.
  const auto shared = std::make_shared<const decltype(branches)>(std::move(branches));
  body.push_back([shared, otherwise = std::make_shared<const std::optional<Body>>(
                              std::move(otherwise))](JinjaScope& scope, std::string& out) {
    for (const auto& [condition, branch] : *shared)
      if (is_true(condition(scope)))
        return run(branch, scope, out);
    if (*otherwise)
      run(**otherwise, scope, out);
  });
}

void Parser::parse_for(Body& body) {
  JinjaReader reader = take();
  Words names{reader.need_name()};
  while (reader.take_symbol(","))
    names.push_back(reader.need_name());
  reader.need_word("in");
  const JinjaExpression list = reader.without_condition();
  std::optional<JinjaExpression> condition;
  if (reader.take_word("if"))
    condition = reader.without_condition();
  reader.need_end();
  const auto inside = std::make_shared<const Body>(parse_until({"endfor", "else"}));
  auto otherwise = std::make_shared<const Body>();
  if (at_ < segments_.size() && word() == "else") {
    take().need_end();
    otherwise = std::make_shared<const Body>(parse_until({"endfor"}));
  }
  take_end("endfor");
  body.push_back([=](JinjaScope& scope, std::string& out) {
    const auto bind = [&](const JinjaValue& element) {
      for (std::size_t i = 0; i < names.size(); ++i)
        scope.set(names[i], names.size() == 1 ? element : item_of(element, i));
    };
    std::vector<JinjaValue> elements = elements_of(list(scope));
    scope.open();
    if (condition)
      std::erase_if(elements, [&](const JinjaValue& element) {
        bind(element);
        return !is_true((*condition)(scope));
      });
    for (std::size_t i = 0; i < elements.size(); ++i) {
      scope.close(); // what the last round set is gone
      scope.open();
      bind(elements[i]);
      const std::size_t count = elements.size();
      JinjaValue loop = {{"index", i + 1},
                         {"index0", i},
                         {"first", i == 0},
                         {"last", i + 1 == count},
                         {"length", count},
                         {"revindex", count - i},
                         {"revindex0", count - i - 1}};
      if (i > 0)
        loop["previtem"] = elements[i - 1];
      if (i + 1 < count)
        loop["nextitem"] = elements[i + 1];
      scope.spend(loop);
      scope.set("loop", loop);
      run(*inside, scope, out);
    }
    scope.close();
    if (elements.empty())
      run(*otherwise, scope, out);
  });
}

void Parser::parse_set(Body& body) {
  JinjaReader reader = take();
  const std::string name = reader.need_name();
  if (reader.take_symbol(".")) {
    const std::string member = reader.need_name();
    reader.need_symbol("=");
    body.push_back([name, member, value = reader.expression()](JinjaScope& scope, std::string&) {
      scope.set_member(name, member, value(scope));
    });
    return reader.need_end();
  }
  if (reader.at_end()) { // the text up to endset
    const auto inside = std::make_shared<const Body>(parse_until({"endset"}));
    take_end("endset");
    body.push_back([name, inside](JinjaScope& scope, std::string&) {
      std::string text;
      run(*inside, scope, text);
      scope.set(name, text);
    });
    return;
  }
  reader.need_symbol("=");
  body.push_back([name, value = reader.expression()](JinjaScope& scope, std::string&) {
    scope.set(name, value(scope));
  });
  reader.need_end();
}

} // namespace

namespace {

// Values of a type that an operation does not take, and numbers that are too large.
template <typename Function>
auto with_jinja_errors(Function&& function) {
  try {
    return function();
  } catch (const JinjaError&) {
    throw;
  } catch (const std::exception& error) {
    throw JinjaError(error.what());
  }
}

} // namespace

JinjaTemplate::JinjaTemplate(std::string_view text)
    : body_(with_jinja_errors([&] { return Parser(cut_jinja(text)).parse(); })) {}

std::string JinjaTemplate::render(std::map<std::string, JinjaValue> variables) const {
  return with_jinja_errors([&] {
    JinjaScope scope(std::move(variables));
    std::string out;
    run(body_, scope, out);
    return out;
  });
}

} // namespace peakbench::llm
