#include "suite/csv.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace peakbench::suite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Cells = std::vector<std::string>;

std::vector<Cells> cells_of(const std::string& text) {
  std::vector<Cells> all;
  for (const CsvRow& row : parse_csv(text, "f.csv"))
    all.push_back(row.cells);
  return all;
}

TEST(Csv, PlainCells) {
  EXPECT_THAT(cells_of("a,b\n1,\n,\n"),
              ElementsAre(Cells{"a", "b"}, Cells{"1", ""}, Cells{"", ""}));
  EXPECT_THAT(cells_of("a,b\n1,2"), ElementsAre(Cells{"a", "b"}, Cells{"1", "2"}));
  EXPECT_THAT(cells_of(" a , b "), ElementsAre(Cells{" a ", " b "}));
  EXPECT_TRUE(cells_of("").empty());
}

TEST(Csv, QuotedCellsHoldCommasLinesAndQuotes) {
  EXPECT_THAT(cells_of("\"a, b\",\"\"\n"), ElementsAre(Cells{"a, b", ""}));
  EXPECT_THAT(cells_of("\"say \"\"hi\"\"\",\"two\nlines\"\nx,y"),
              ElementsAre(Cells{"say \"hi\"", "two\nlines"}, Cells{"x", "y"}));
  EXPECT_THAT(cells_of("\"\"\"quoted\"\"\""), ElementsAre(Cells{"\"quoted\""}));
}

TEST(Csv, SingleQuotesWithinAQuotedCellAreKept) {
  EXPECT_THAT(cells_of("\"a piece of \"good\" bread?\",2.5\n"),
              ElementsAre(Cells{"a piece of \"good\" bread?", "2.5"}));
  EXPECT_THAT(cells_of("\"is it \"good\"?\"\r\n"), ElementsAre(Cells{"is it \"good\"?"}));
}

TEST(Csv, ByteOrderMarkCrlfAndEmptyLines) {
  EXPECT_THAT(cells_of("\xEF\xBB\xBF"
                       "a,b\r\n\r\n\"1\",2\r\n\n"),
              ElementsAre(Cells{"a", "b"}, Cells{"1", "2"}));
}

TEST(Csv, RowsKnowTheirLine) {
  const auto rows = parse_csv("a\n\n\"x\ny\"\nb\n", "f.csv");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].line, 1u);
  EXPECT_EQ(rows[1].line, 3u);
  EXPECT_EQ(rows[2].line, 5u);
}

TEST(Csv, ErrorsNameFileAndLine) {
  EXPECT_THAT([] { cells_of("a\nb \"c\" d\n"); },
              ThrowsMessage<UserError>(HasSubstr("f.csv:2: a quote inside a cell")));
  EXPECT_THAT([] { cells_of("a\nb\n\"c\nd\n"); },
              ThrowsMessage<UserError>(HasSubstr("f.csv:3: a quoted cell does not end")));
  // What a single quote before a comma may mean is not guessed.
  EXPECT_THAT([] { cells_of("\"he said \"yes\", then left\",2\n"); },
              ThrowsMessage<UserError>(HasSubstr("f.csv:1: a quote inside a cell")));
}

} // namespace
} // namespace peakbench::suite
