#include "report/file_plots.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "report/ep_training_examples.h"
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
  EXPECT_THAT(names(plots_of({without})), ElementsAre("eab-resources", "eab-pareto"));
  EXPECT_THAT(names(plots_of({without, with})),
              ElementsAre("eab-entropy", "eab-tree", "eab-resources", "eab-pareto"));
  // Token texts come from the file.
  const auto tree = plots_of({with})[1].plot;
  EXPECT_TRUE(std::ranges::any_of(tree.panels[0].labels,
                                  [](const Label& label) { return label.text == "dog ran."; }));
}

TEST_F(FilePlots, AWrongCaseIsTold) {
  const auto with = results::load(write("b.h5", true));
  EXPECT_EQ(plots_of({with}, testing::traced_case().case_id).size(), 4u);
  EXPECT_THAT([&] { plots_of({with}, "nonsense"); },
              ThrowsMessage<UserError>(HasSubstr("no case nonsense in the files")));
  EXPECT_THAT([&] { plots_of({with}, naive_case().case_id); },
              ThrowsMessage<UserError>(HasSubstr("no trace of case")));
}

// Rows, training curves and traces of EP come from the file that has them.
TEST_F(FilePlots, ShowEpWithItsCurvesAndTraces) {
  const results::RunData run = testing::training_run();
  const auto write_ep = [&](const std::string& name, bool upper_half) {
    const std::string path = scratch_ / name;
    results::Store store = results::Store::create(path, results::testing::example_info());
    for (std::size_t i = 0; i < run.ep.size(); ++i)
      if ((i < run.ep.size() / 2) == upper_half) {
        results::EpRow row;
        row.record = run.ep[i];
        row.trace = {{2, 1}, {1e-3, 1}, {0.5, 1}, {}};
        for (const results::EpTrainingRow& point : run.ep_training)
          if (point.case_id == row.record.case_id)
            row.training.push_back(point);
        store.append(row);
      }
    return results::load(path);
  };
  const auto torch = write_ep("a.h5", true), orthogonal = write_ep("b.h5", false);
  EXPECT_THAT(names(plots_of({torch})), ElementsAre("ep-versus-depth", "ep-accuracy-versus-depth",
                                                    "ep-training", "ep-layers", "ep-pareto"));
  const auto both = plots_of({torch, orthogonal, torch});
  EXPECT_THAT(names(both), ElementsAre("ep-versus-depth", "ep-versus-depth-2",
                                       "ep-accuracy-versus-depth", "ep-training", "ep-training-2",
                                       "ep-layers", "ep-layers-2", "ep-pareto", "ep-pareto-2"));
  // A case that is in two files has one curve, not one with every point twice.
  EXPECT_EQ(both[3].plot.panels[0].series[0].points.size(), 3u);
}

TEST_F(FilePlots, AreAllWrittenOrNone) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const auto plots = plots_of({results::load(write("b.h5", true))});
  peakbench::testing::write_file(scratch_ / "eab-resources.png", "mine");
  EXPECT_THROW(save_all(plots, scratch_.path(), false), UserError);
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "eab-entropy.svg"));
  EXPECT_EQ(save_all(plots, scratch_.path(), true).size(), 8u);
  EXPECT_THAT(peakbench::testing::read_file(scratch_ / "eab-tree.svg"), HasSubstr("dog ran."));
}

} // namespace
} // namespace peakbench::report
