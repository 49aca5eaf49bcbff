#include "report/file_plots.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "report/gnuplot_here.h"
#include "report/traces.h"
#include "results/examples.h"
#include "results/fields.h"
#include "results/in_memory.h"

namespace peakbench::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class FilePlots : public ::testing::Test {
protected:
  static results::EabCase naive_case() {
    results::EabCase record = testing::traced_case();
    record.arm = "naive";
    record.decode = "per_path";
    record.case_id = results::case_id_of(record);
    return record;
  }
  std::string write(const std::string& name, bool with_trace) {
    const std::string path = scratch_ / name;
    results::Store store = results::Store::create(path, results::testing::example_info());
    store.append(results::EabRow{naive_case(), {}, {}});
    store.append(results::EabRow{
        testing::traced_case(), {}, with_trace ? testing::example_trace() : results::EabTrace{}});
    return path;
  }
  std::vector<std::string> names(const std::vector<NamedPlot>& plots) const {
    std::vector<std::string> all;
    for (const NamedPlot& plot : plots)
      all.push_back(plot.name);
    return all;
  }
  const results::testing::InMemory memory_;
  const peakbench::testing::ScratchFolder& scratch_ = *memory_;
};

TEST_F(FilePlots, TakeTheTraceFromTheFileThatHasIt) {
  const auto without = results::load(write("a.h5", false));
  const auto with = results::load(write("b.h5", true));
  EXPECT_THAT(names(plots_of({without})), ElementsAre("eab-resources"));
  EXPECT_THAT(names(plots_of({without, with})),
              ElementsAre("eab-entropy", "eab-tree", "eab-resources"));
  // Token texts come from the file.
  const auto tree = plots_of({with})[1].plot;
  EXPECT_TRUE(std::ranges::any_of(tree.panels[0].labels,
                                  [](const Label& label) { return label.text == "dog ran."; }));
}

TEST_F(FilePlots, AWrongCaseIsTold) {
  const auto with = results::load(write("b.h5", true));
  EXPECT_EQ(plots_of({with}, testing::traced_case().case_id).size(), 3u);
  EXPECT_THAT([&] { plots_of({with}, "nonsense"); },
              ThrowsMessage<UserError>(HasSubstr("no EAB case nonsense")));
  EXPECT_THAT([&] { plots_of({with}, naive_case().case_id); },
              ThrowsMessage<UserError>(HasSubstr("no trace of case")));
}

TEST_F(FilePlots, AreAllWrittenOrNone) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const auto plots = plots_of({results::load(write("b.h5", true))});
  peakbench::testing::write_file(scratch_ / "eab-resources.png", "mine");
  EXPECT_THROW(save_all(plots, scratch_.path(), false), UserError);
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "eab-entropy.svg"));
  EXPECT_EQ(save_all(plots, scratch_.path(), true).size(), 6u);
  EXPECT_THAT(peakbench::testing::read_file(scratch_ / "eab-tree.svg"), HasSubstr("dog ran."));
}

} // namespace
} // namespace peakbench::report
