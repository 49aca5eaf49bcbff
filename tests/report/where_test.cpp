#include "report/where.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "base/error.h"
#include "results/records.h"

namespace peakbench::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Condition only(const std::string& expression) {
  const auto conditions = parse_where({expression});
  EXPECT_EQ(conditions.size(), 1u);
  return conditions.front();
}
bool number_holds(const std::string& expression, double value) {
  return Matcher(only(expression), false)(value);
}
bool count_holds(const std::string& expression, std::int64_t value) {
  return Matcher(only(expression), false)(value);
}
bool text_holds(const std::string& expression, const std::string& value) {
  return Matcher(only(expression), true)(value);
}
std::string message_of(const std::string& expression, bool is_text = true) {
  try {
    for (const Condition& condition : parse_where({expression}))
      Matcher(condition, is_text);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Where, ReadsConditions) {
  const auto conditions =
      parse_where({"arm=cow|naive,depth>=100", " wall_seconds < 0.5 , host ~ node* "});
  ASSERT_EQ(conditions.size(), 4u);
  EXPECT_EQ(conditions[0].column, "arm");
  EXPECT_EQ(conditions[0].operation, Operation::equal);
  EXPECT_THAT(conditions[0].values, ElementsAre("cow", "naive"));
  EXPECT_EQ(conditions[1].operation, Operation::greater_or_equal);
  EXPECT_THAT(conditions[1].values, ElementsAre("100"));
  EXPECT_EQ(conditions[2].operation, Operation::less);
  EXPECT_THAT(conditions[2].values, ElementsAre("0.5"));
  EXPECT_EQ(conditions[3].column, "host");
  EXPECT_EQ(conditions[3].operation, Operation::like);
  EXPECT_THAT(conditions[3].values, ElementsAre("node*"));
  for (const auto& [sign, operation] :
       std::vector<std::pair<std::string, Operation>>{{"==", Operation::equal},
                                                      {"!=", Operation::unequal},
                                                      {"<=", Operation::less_or_equal},
                                                      {">", Operation::greater},
                                                      {"!~", Operation::unlike}})
    EXPECT_EQ(only("depth" + sign + "3").operation, operation) << sign;
  EXPECT_TRUE(parse_where({}).empty());
}

TEST(Where, ValuesWithCommasStandInQuotes) {
  EXPECT_THAT(only("schedule='3,2,1'|\"a|b\"").values, ElementsAre("3,2,1", "a|b"));
  EXPECT_THAT(only("reason='it''s \"so\"'").values, ElementsAre("it's \"so\""));
  EXPECT_THAT(only("reason=\" a \" ").values, ElementsAre(" a "));
  EXPECT_THAT(only("reason=").values, ElementsAre(""));
  EXPECT_THAT(only("reason=|a b ").values, ElementsAre("", "a b"));
  EXPECT_THAT(only("model=é→").values, ElementsAre("é→"));
}

TEST(Where, NumbersAreComparedByValue) {
  EXPECT_TRUE(number_holds("x=0.2", 0.2));
  EXPECT_TRUE(number_holds("x=2e-1|7", 0.2));
  EXPECT_FALSE(number_holds("x=0.2", 0.25));
  EXPECT_TRUE(number_holds("x<10", 9.5)); // by letters 9.5 comes after 10
  EXPECT_TRUE(count_holds("x<10", 9));
  EXPECT_TRUE(count_holds("x>=1e6", 1000000));
  EXPECT_FALSE(count_holds("x>1e6", 1000000));
  EXPECT_TRUE(count_holds("x<0.5", 0));
  EXPECT_FALSE(count_holds("x>0.5", 0));
  EXPECT_TRUE(count_holds("x!=3|4", 5));
  EXPECT_FALSE(count_holds("x!=3|4", 4));
  EXPECT_TRUE(number_holds("x<inf", 1e300));
  EXPECT_TRUE(number_holds("x=+3", 3));
  // 2^53 + 1 is no double: nothing is rounded on the way.
  EXPECT_FALSE(count_holds("x=9007199254740992", 9007199254740993));
  EXPECT_TRUE(count_holds("x>9007199254740992", 9007199254740993));
}

TEST(Where, TextsAreComparedByLetters) {
  EXPECT_TRUE(text_holds("x=cow", "cow"));
  EXPECT_FALSE(text_holds("x=cow", "Cow"));
  EXPECT_TRUE(text_holds("x<b", "abc"));
  EXPECT_TRUE(text_holds("x<10", "1")); // a text is none the less one
  EXPECT_FALSE(text_holds("x<10", "9"));
  EXPECT_TRUE(text_holds("x~naive*|cow", "naive_batched"));
  EXPECT_FALSE(text_holds("x~naive", "naive_batched"));
  EXPECT_TRUE(text_holds("x~[a-c]o?", "cow"));
  EXPECT_TRUE(text_holds("x!~naive*", "cow"));
  EXPECT_FALSE(text_holds("x!~naive*", "naive"));
  EXPECT_TRUE(count_holds("x~1*", 128));
  EXPECT_TRUE(number_holds("x~0.2?", 0.25));
}

TEST(Where, WhatIsAbsentSatisfiesNothingButEmpty) {
  for (const std::string condition : {"x=3", "x!=3", "x<3", "x>3", "x<=3", "x~*", "x!~3", "x!="}) {
    EXPECT_FALSE(count_holds(condition, results::kAbsent)) << condition;
    EXPECT_FALSE(number_holds(condition, NAN)) << condition;
    EXPECT_FALSE(text_holds(condition, "")) << condition;
  }
  EXPECT_TRUE(count_holds("x=", results::kAbsent));
  EXPECT_TRUE(number_holds("x=", NAN));
  EXPECT_TRUE(text_holds("x=", ""));
  EXPECT_TRUE(text_holds("x=|a", "a"));
  EXPECT_FALSE(text_holds("x=", "a"));
  EXPECT_TRUE(text_holds("x!=", "a"));
  EXPECT_TRUE(count_holds("x!=", 0));
}

TEST(Where, SaysWhereItCannotBeRead) {
  for (const auto& [expression, part] : std::vector<std::pair<std::string, std::string>>{
           {"", "character 1: the name of a column"},
           {"arm", "character 4: one of = !="},
           {"arm=cow,", "character 9: the name of a column"},
           {"arm=cow,,depth=3", "character 9: the name of a column"},
           {"depth=>3", ""}, // the value ">3": a text may begin so
           {"depth<1|2", "character 7: one value"},
           {"depth>=", "character 8: one value"},
           {"a='b", "character 3: this quote has no end"},
           {"a='b'c", "character 6: \",\" or \"|\""},
           {"=3", "character 1: the name of a column"},
           {"a!3", "character 2: one of = !="}})
    EXPECT_THAT(message_of(expression), HasSubstr(part)) << expression;
  EXPECT_THAT(message_of("arm"), HasSubstr("--where \"arm\" cannot be read"));
  EXPECT_THAT(message_of("a=1,depth=ten", false),
              HasSubstr("--where \"a=1,depth=ten\", character 11: \"ten\" is no number"));
  EXPECT_THAT(message_of("depth=>3", false), HasSubstr("\">3\" is no number"));
  EXPECT_THAT(message_of("depth=nan", false), HasSubstr("is no number"));
  EXPECT_THAT(message_of("depth=1 2", false), HasSubstr("is no number"));
  EXPECT_EQ(message_of("depth~1*", false), "");
}

// Whatever is written is read or refused.
TEST(Where, AnyLettersAreReadOrRefused) {
  constexpr std::string_view kLetters = "ab1=!<>~|,'\" \t\\*[]\xC3.";
  std::mt19937_64 random(12);
  int read = 0, refused = 0;
  for (int attempt = 0; attempt < 20000; ++attempt) {
    std::string expression = random() % 2 ? "a" : "";
    for (std::size_t length = random() % 12; length > 0; --length)
      expression += kLetters[random() % kLetters.size()];
    try {
      for (const Condition& condition : parse_where({expression})) {
        EXPECT_FALSE(condition.column.empty());
        EXPECT_FALSE(condition.values.empty());
        Matcher(condition, true)(std::string("ab1"));
      }
      ++read;
    } catch (const UserError&) {
      ++refused;
    }
  }
  EXPECT_GT(read, 500);
  EXPECT_GT(refused, 5000);
}

} // namespace
} // namespace peakbench::report
