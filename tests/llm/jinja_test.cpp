// Every part of the template language against jinja2 as transformers sets it up
// (golden/make_chats.py).
#include "llm/jinja.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/support.h"

namespace peakbench::llm {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string render(const std::string& text, const std::string& content = "Hi") {
  const JinjaValue message = {{"role", "user"}, {"content", content}};
  return JinjaTemplate(text).render(
      {{"messages", JinjaValue::array({message})}, {"tools", nullptr}});
}

std::string problem(const std::string& text) {
  try {
    render(text);
  } catch (const JinjaError& error) {
    return error.what();
  }
  return "none";
}

TEST(Jinja, EveryPartAsTheReferenceRendersIt) {
  const json file = json::parse(peakbench::testing::read_file(peakbench::testing::source_folder() /
                                                              "tests/llm/golden/chats.json"));
  for (const json& entry : file["parts"])
    for (std::size_t i = 0; i < file["texts"].size(); ++i)
      EXPECT_EQ(render(entry["template"].get<std::string>(), file["texts"][i].get<std::string>()),
                entry["rendered"][i].get<std::string>())
          << entry["name"];
}

TEST(Jinja, ProblemsAreNamedWithTheirLine) {
  EXPECT_EQ(problem("{{ 1 }}"), "none");
  EXPECT_THAT(problem("\n{{ 'a }}"), HasSubstr("line 2: a string is not closed"));
  EXPECT_THAT(problem("{{ 1 "), HasSubstr("'}}' is missing"));
  EXPECT_THAT(problem("{% if true %}"), HasSubstr("'endif' is missing"));
  EXPECT_THAT(problem("{% for x in [] %}"), HasSubstr("'endfor' is missing"));
  EXPECT_THAT(problem("{% if true %}{% endfor %}"), HasSubstr("endfor"));
  EXPECT_THAT(problem("{% endif %}"), HasSubstr("closes nothing"));
  EXPECT_THAT(problem("{# open"), HasSubstr("not closed"));
  EXPECT_THAT(problem("{{ 1 2 }}"), HasSubstr("at '2'"));
  EXPECT_THAT(problem("{{ }}"), HasSubstr("expected a value"));
  EXPECT_THAT(problem("{{ a ! b }}"), HasSubstr("'!'"));
  EXPECT_THAT(problem("{% include 'x' %}"), HasSubstr("statement 'include'"));
  EXPECT_THAT(problem("{{ 1 | tojson }}"), HasSubstr("filter 'tojson' is not supported"));
  EXPECT_THAT(problem("{{ 1 is prime }}"), HasSubstr("test 'prime'"));
  EXPECT_THAT(problem("{{ 'a'.center(3) }}"), HasSubstr("method 'center'"));
  EXPECT_THAT(problem("{{ now() }}"), HasSubstr("function 'now'"));
  EXPECT_THAT(problem("{{ missing.name }}"), HasSubstr("undefined"));
  EXPECT_THAT(problem("{{ 'a' + 1 }}"), HasSubstr("string + number"));
  EXPECT_THAT(problem("{{ missing + 'a' }}"), HasSubstr("undefined + string"));
  EXPECT_THAT(problem("{{ 1 // 0 }}"), HasSubstr("1 // 0"));
  EXPECT_THAT(problem("{{ 1 % 0 }}"), HasSubstr("1 % 0"));
  EXPECT_THAT(problem("{{ 99999999999 * 99999999999 }}"), HasSubstr("too large"));
  EXPECT_NE(problem("{{ 99999999999999999999 }}"), "none");
  EXPECT_NE(problem("{{ 'abc'['a':] }}"), "none");
  EXPECT_THAT(problem("{{ [1] }}"), HasSubstr("printing a array"));
  EXPECT_THAT(problem("{{ [1][::0] }}"), HasSubstr("step 0"));
  EXPECT_THAT(problem("{% set x.y = 1 %}"), HasSubstr("no namespace"));
  EXPECT_THAT(problem("{{ 'a'.split('') }}"), HasSubstr("separator"));
}

// A hostile file must not run out of stack.
TEST(Jinja, DepthIsBounded) {
  const auto repeated = [](const std::string& text, int count) {
    std::string all;
    for (int i = 0; i < count; ++i)
      all += text;
    return all;
  };
  EXPECT_EQ(problem("{{ " + repeated("(", 90) + "1" + repeated(")", 90) + " }}"), "none");
  EXPECT_THAT(problem("{{ " + repeated("(", 100000)), HasSubstr("too large"));
  EXPECT_THAT(problem("{{ " + repeated("not ", 100000) + "1 }}"), HasSubstr("too large"));
  EXPECT_EQ(problem("{{ " + repeated("not ", 200) + "1 }}"), "none");
  EXPECT_THAT(problem("{{ " + repeated("not ", 900) + "1 }}"), HasSubstr("nested too deeply"));
  EXPECT_THAT(problem(repeated("{% if true %}", 100000)), HasSubstr("nested too deeply"));
}

} // namespace
} // namespace peakbench::llm
