#include "suite/prompt_file.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "support/support.h"

namespace peakbench::suite {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class PromptFileTest : public ::testing::Test {
protected:
  std::vector<Prompt> read(const std::string& text, const std::string& name = "p.csv") {
    peakbench::testing::write_file(scratch_ / name, text);
    return read_prompt_file((scratch_ / name).string());
  }
  std::string error_of(const std::string& text, const std::string& name = "p.csv") {
    try {
      read(text, name);
    } catch (const UserError& error) {
      return std::string(error.what()).substr((scratch_ / "").string().size());
    }
    return "no error";
  }
  peakbench::testing::ScratchFolder scratch_;
};

TEST_F(PromptFileTest, ColumnsAreFoundByTheirHeader) {
  const auto prompts = read("Rating,what,Text, id ,DOMAIN\n"
                            "2.5,x,\"Why, then?\",first,art\n"
                            " -1e1 ,y,Höher?,second,\n");
  ASSERT_EQ(prompts.size(), 2u);
  EXPECT_EQ(prompts[0].id, "first");
  EXPECT_EQ(prompts[0].text, "Why, then?");
  EXPECT_EQ(prompts[0].domain, "art");
  EXPECT_EQ(prompts[0].rating, 2.5);
  EXPECT_EQ(prompts[1].rating, -10);
  EXPECT_EQ(prompts[1].text, "Höher?");
  EXPECT_NE(prompts[0].hash, prompts[1].hash);
}

TEST_F(PromptFileTest, RatingIdAndDomainMayBeMissing) {
  const auto prompts = read("prompt\nWhy?\nHow?\n", "P.CSV");
  ASSERT_EQ(prompts.size(), 2u);
  EXPECT_EQ(prompts[0].id, "row-1");
  EXPECT_EQ(prompts[1].id, "row-2");
  EXPECT_TRUE(std::isnan(prompts[0].rating));
  EXPECT_EQ(prompts[0].domain, "");
}

TEST_F(PromptFileTest, ErrorsOfCsvNameTheLine) {
  EXPECT_THAT(error_of("question,rating\na,1\n"),
              AllOf(StartsWith("p.csv:1: no column `prompt` or `text`"), HasSubstr("question")));
  EXPECT_THAT(error_of("prompt,text\na,b\n"), StartsWith("p.csv:1: two columns"));
  EXPECT_THAT(error_of("rating,prompt,human_ambiguity_score\n1,a,2\n"),
              StartsWith("p.csv:1: two columns `rating` or `human_ambiguity_score`"));
  EXPECT_THAT(error_of("prompt,rating\na,1\nb, c,2\n"),
              AllOf(StartsWith("p.csv:3: 3 cells"), HasSubstr("the header has 2")));
  EXPECT_THAT(error_of("prompt,rating\na,1\nb\n"), StartsWith("p.csv:3: 1 cells"));
  EXPECT_THAT(error_of("prompt,rating\na,high\n"),
              StartsWith("p.csv:2: the rating `high` is not a number"));
  EXPECT_THAT(error_of("prompt,rating\na,\n"), StartsWith("p.csv:2: the rating ``"));
  EXPECT_THAT(error_of("prompt,rating\na,1.5x\n"), StartsWith("p.csv:2: the rating"));
  EXPECT_THAT(error_of("prompt,rating\na,nan\n"), StartsWith("p.csv:2: the rating"));
  EXPECT_THAT(error_of("prompt,rating\n,1\n"), StartsWith("p.csv:2: the prompt is empty"));
  EXPECT_THAT(error_of("prompt,id\na, \n"), StartsWith("p.csv:2: the id is empty"));
  EXPECT_THAT(error_of("prompt,id\na,x\nb,x\n"),
              AllOf(StartsWith("p.csv:3: the id \"x\" is used twice"), HasSubstr("line 2")));
  EXPECT_THAT(error_of("prompt\n\"a\n"), StartsWith("p.csv:2: a quoted cell does not end"));
  EXPECT_THAT(error_of("prompt\ncaf\xe9\n"), StartsWith("p.csv:2: not valid UTF-8"));
  EXPECT_THAT(error_of("prompt,rating\n"), HasSubstr("no prompts in it"));
  EXPECT_THAT(error_of(""), HasSubstr("no prompts in it"));
}

TEST_F(PromptFileTest, JsonLinesMayHaveARating) {
  const auto prompts =
      read("{\"id\": \"a\", \"text\": \"t\", \"rating\": 2}\n{\"id\": \"b\", \"text\": \"t\"}",
           "p.jsonl");
  EXPECT_EQ(prompts.at(0).rating, 2);
  EXPECT_TRUE(std::isnan(prompts.at(1).rating));
  EXPECT_THAT(error_of("{\"id\": \"a\", \"text\": \"t\", \"rating\": \"2\"}", "p.jsonl"),
              StartsWith("p.jsonl:1: \"rating\" is not a number"));
}

TEST_F(PromptFileTest, AMissingFileOfRatingsSaysWhatItMustLookLike) {
  try {
    read_prompt_file("ratings.csv");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), AllOf(StartsWith("ratings.csv: no such prompt file"),
                                    HasSubstr("prompt,rating"), HasSubstr("eab.prompts")));
  }
}

// Fifteen prompts rated by people, one with quotes that are not doubled.
TEST_F(PromptFileTest, ReadsRatingsAsTheyAreFound) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const auto prompts =
      read_prompt_file((shared / "data/prompts/prompts_with_ratings.csv").string());
  ASSERT_EQ(prompts.size(), 15u);
  int with_quotes = 0;
  for (const Prompt& prompt : prompts) {
    EXPECT_GE(prompt.rating, 1);
    EXPECT_LE(prompt.rating, 5);
    EXPECT_TRUE(prompt.text.ends_with("?")) << prompt.text;
    with_quotes += std::count(prompt.text.begin(), prompt.text.end(), '"') == 2;
  }
  EXPECT_EQ(with_quotes, 1);
}

} // namespace
} // namespace peakbench::suite
