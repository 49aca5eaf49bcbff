// peakbench-aggregate --html as a user runs it.
#include <gmock/gmock.h>

#include "report/gnuplot_here.h"
#include "report/html_pages.h"
#include "results/in_memory.h"
#include "results/python.h"

namespace peakbench {
namespace {

using peakbench::testing::read_file;
using peakbench::testing::write_file;
using results::testing::Output;
using results::testing::quoted;
using results::testing::run_program;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AggregateHtmlTest : public ::testing::Test {
protected:
  AggregateHtmlTest() { write("run.h5"); }

  void write(const std::string& name) {
    results::Store store =
        results::Store::create(scratch_ / name, results::testing::example_info());
    for (const auto& row : report::testing::eab_cases())
      store.append(results::EabRow{row, {}, {}});
    for (const auto& row : report::testing::ep_cases())
      store.append(results::EpRow{row, {}, {}, {}, {}, {}});
  }
  Output run(const std::string& arguments, const std::string& environment = "") const {
    return run_program("cd " + quoted(scratch_.path()) + " && " + environment + " " +
                       quoted(PEAKBENCH_AGGREGATE) + " " + arguments);
  }
  std::string page(const std::string& name) const { return read_file(scratch_ / name); }

  const results::testing::InMemory memory_;
  const peakbench::testing::ScratchFolder& scratch_ = *memory_;
};

TEST_F(AggregateHtmlTest, WritesOnePageWithTheTablesThatItPrints) {
  const Output output = run("run.h5 --html page.html");
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_THAT(output.text, StartsWith("EAB: naive"));
  EXPECT_THAT(output.text, HasSubstr("\npage: page.html\n"));
  const auto tables = report::tables_of(results::load(scratch_ / "run.h5"));
  const std::string html = page("page.html");
  EXPECT_THAT(html, StartsWith("<!DOCTYPE html>"));
  for (std::size_t i = 0; i < tables.size(); ++i)
    EXPECT_EQ(report::testing::body_cells(
                  report::testing::article(html, "table" + std::to_string(i + 1))),
              tables[i].rows)
        << tables[i].title;
  EXPECT_THAT(run("run.h5 --html -").text, StartsWith("<!DOCTYPE html>"));
}

TEST_F(AggregateHtmlTest, NamesTheCommandThatGivesItAgain) {
  std::filesystem::rename(scratch_ / "run.h5", scratch_ / "my run's.h5");
  EXPECT_EQ(run("\"my run's.h5\" --html page.html").status, 0);
  const std::string files =
      report::testing::unescaped(report::testing::article(page("page.html"), "files"));
  const std::string command = "peakbench-aggregate 'my run'\\''s.h5' --html page.html";
  EXPECT_THAT(files, HasSubstr("<pre tabindex=\"0\">" + command + "</pre>"));
  const std::string arguments = command.substr(command.find(' ') + 1);
  EXPECT_EQ(run(arguments + " --force").status, 0);
}

TEST_F(AggregateHtmlTest, TellsOfEveryFile) {
  write("second.h5");
  EXPECT_EQ(run("run.h5 second.h5 --html both.html").status, 0);
  const std::string files = report::testing::article(page("both.html"), "files");
  EXPECT_THAT(files, HasSubstr("<dd>run.h5</dd>"));
  EXPECT_THAT(files, HasSubstr("<dd>second.h5</dd>"));
  // Equal rows count once; a case with another row is kept and named.
  EXPECT_THAT(page("both.html"), Not(HasSubstr("Cases in several files")));
  results::EpCase other = report::testing::ep_cases().front();
  other.step_seconds = 99;
  results::Store::create(scratch_ / "other.h5", results::testing::example_info())
      .append(results::EpRow{other, {}, {}, {}, {}, {}});
  EXPECT_EQ(run("run.h5 other.h5 --html differs.html").status, 0);
  EXPECT_TRUE(page("differs.html").find("Cases in several files") != std::string::npos);
  EXPECT_EQ(run("run.h5 second.h5 --to merged.h5 --html merged.html").status, 0);
  EXPECT_THAT(report::testing::article(page("merged.html"), "files"),
              HasSubstr("<h4>Merged from</h4>"));
}

TEST_F(AggregateHtmlTest, WithoutGnuplotItSaysSo) {
  const Output output = run("run.h5 --html page.html", "PATH=/nowhere");
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_THAT(page("page.html"), HasSubstr("This page has no pictures: pictures cannot be drawn "
                                           "(gnuplot is not installed"));
  EXPECT_THAT(page("page.html"), Not(HasSubstr("<svg")));
  PEAKBENCH_NEEDS_GNUPLOT();
  EXPECT_EQ(run("run.h5 --html drawn.html").status, 0);
  EXPECT_THAT(page("drawn.html"), HasSubstr("<svg"));
  EXPECT_THAT(page("drawn.html"), Not(HasSubstr("no pictures")));
}

TEST_F(AggregateHtmlTest, NeverOverwritesSilently) {
  write_file(scratch_ / "page.html", "mine");
  const Output refused = run("run.h5 --html page.html");
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.text, HasSubstr("already exists"));
  EXPECT_EQ(page("page.html"), "mine");
  EXPECT_EQ(run("run.h5 --html page.html --force").status, 0);
  EXPECT_EQ(run("run.h5 --html no/such/folder.html").status, 2);
  EXPECT_EQ(run("run.h5 --html - --csv -").status, 2);
}

TEST_F(AggregateHtmlTest, AFileWithoutCasesGivesAPageThatSaysSo) {
  results::Store::create(scratch_ / "new.h5", results::testing::example_info());
  EXPECT_EQ(run("new.h5 --html page.html").status, 0);
  EXPECT_THAT(page("page.html"), HasSubstr("<strong>EMPTY</strong> 0 cases"));
}

} // namespace
} // namespace peakbench
