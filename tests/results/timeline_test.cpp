#include "results/timeline.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "results/examples.h"
#include "results/merge.h"
#include "results/python.h"
#include "results/traces.h"
#include "support/support.h"

namespace peakbench::results {
namespace {

using peakbench::testing::ScratchFolder;
using testing::eab_example;
using testing::ep_example;
using testing::equal;
using testing::example_info;
using testing::timeline_example;

TEST(Timeline, PeakIsTheFirstOfTheHighest) {
  Timeline timeline;
  for (const std::int64_t total : {0, 5, 9, 3, 9, 1})
    timeline.points.push_back({0, total, {}, 0});
  EXPECT_EQ(peak_of(timeline), 2u);
}

TEST(Timeline, ComesBackFromFileAndMessage) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  {
    Store store = Store::create(path, example_info());
    EabRow eab = eab_example(1);
    eab.trace.timeline = timeline_example(2000);
    EpRow ep = ep_example(2);
    ep.trace.timeline = timeline_example(5);
    const AnyRow sent = from_message(to_message(eab));
    EXPECT_TRUE(equal(std::get<EabRow>(sent).trace.timeline, eab.trace.timeline));
    store.append(std::get<EabRow>(sent));
    store.append(std::get<EpRow>(from_message(to_message(ep))));
    store.append(eab_example(3));
    EpRow alone = ep_example(4); // nothing but a timeline
    alone.trace = {};
    alone.trace.timeline = timeline_example(3);
    store.append(alone);
  }
  EXPECT_TRUE(equal(load_eab_trace(path, "eab1").timeline, timeline_example(2000)));
  EXPECT_TRUE(equal(load_ep_trace(path, "ep2").timeline, timeline_example(5)));
  EXPECT_TRUE(equal(load_ep_trace(path, "ep4").timeline, timeline_example(3)));
  EXPECT_TRUE(load_eab_trace(path, "eab3").timeline.points.empty());
  // Negative control: one byte less is another timeline.
  Timeline other = timeline_example(5);
  --other.points[3].by_tag.logits;
  EXPECT_FALSE(equal(load_ep_trace(path, "ep2").timeline, other));
}

TEST(Timeline, IsMergedWithItsTrace) {
  const ScratchFolder scratch;
  for (const int number : {1, 2}) {
    Store store = Store::create(scratch / ("run" + std::to_string(number) + ".h5"), example_info());
    EabRow eab = eab_example(number);
    eab.trace.timeline = timeline_example(10 * number);
    store.append(eab);
  }
  const std::string to = scratch / "all.h5";
  merge_files({scratch / "run1.h5", scratch / "run2.h5"}, to, {"now", "merge"}, false);
  EXPECT_TRUE(equal(load_eab_trace(to, "eab1").timeline, timeline_example(10)));
  EXPECT_TRUE(equal(load_eab_trace(to, "eab2").timeline, timeline_example(20)));
}

TEST(Timeline, OthersColumnsAreAnError) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  {
    Store store = Store::create(path, example_info());
    EpRow ep = ep_example(1);
    ep.trace.timeline = timeline_example(3);
    store.append(ep);
  }
  {
    const Handle file = open_file(path, true);
    const Handle group = make_group(file, "/ep/traces/ep1/timeline2");
    check(H5Ldelete(file, "/ep/traces/ep1/timeline", H5P_DEFAULT), "H5Ldelete");
    check(H5Lcreate_hard(file, "/ep/traces/ep1/energy", file, "/ep/traces/ep1/timeline",
                         H5P_DEFAULT, H5P_DEFAULT),
          "H5Lcreate_hard");
  }
  try {
    load_ep_trace(path, "ep1");
    FAIL() << "a list of numbers was taken for a timeline";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("a timeline without one of its columns"));
  }
}

TEST(Timeline, IsReadWithH5py) {
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  const ScratchFolder scratch;
  {
    Store store = Store::create(scratch / "run.h5", example_info());
    EpRow ep = ep_example(2);
    ep.trace.timeline = timeline_example(2000);
    store.append(ep);
  }
  peakbench::testing::write_file(scratch / "script.py", R"(
import h5py
file = h5py.File('run.h5')
timeline = file['/ep/traces/ep2/timeline']
tags = ['weights', 'gradients', 'optimizer', 'activations', 'states', 'kv_cache', 'logits', 'workspace']
columns = ['seconds', 'total_bytes'] + [tag + '_bytes' for tag in tags] + ['phase']
assert list(timeline.dtype.names) == columns, timeline.dtype.names
assert timeline.compression == 'gzip' and len(timeline) == 2000
assert timeline.attrs['events'] == 14000 and timeline.attrs['span'] == 8
for group in ('/eab/traces', '/ep/traces'):
    for column in columns:
        assert file[group].attrs['timeline.' + column + '.description'], column
    assert file[group].attrs['timeline.total_bytes.unit'] == 'bytes'
    assert file[group].attrs['timeline.seconds.unit'] == 'seconds'
rows = timeline[:]
assert rows['seconds'].dtype == '<f8' and rows['seconds'][9] == 9 / 8
assert rows['total_bytes'].dtype == '<i8'
assert (sum(rows[tag + '_bytes'] for tag in tags) == rows['total_bytes']).all()
assert rows['logits_bytes'][2] == 2 * 2**33 - 6
assert rows['phase'][1] == b'settling' and rows['phase'][3] == b''
print('all read')
)");
  const auto output = testing::run_program("cd " + testing::quoted(scratch.path()) + " && " +
                                           python + " script.py");
  EXPECT_EQ(output.text, "all read\n");
}

} // namespace
} // namespace peakbench::results
