// Damaged files: a UserError that names the file and the reason, never a crash, never wrong rows.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/error.h"
#include "results/examples.h"
#include "results/hdf5.h"
#include "results/in_memory.h"
#include "support/support.h"

namespace peakbench::results {
namespace {

using peakbench::testing::read_file;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using testing::eab_example;
using testing::ep_example;
using testing::example_info;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string some_file(const ScratchFolder& scratch) {
  const std::string path = scratch / "run.h5";
  Store store = Store::create(path, example_info());
  for (int number = 0; number < 3; ++number)
    store.append(eab_example(number, "ok", 600));
  store.append(ep_example(1));
  return path;
}

TEST(LoadTest, EmptyAndForeignFilesAreNamed) {
  const ScratchFolder scratch;
  const std::string path = scratch / "x.h5";
  write_file(path, "");
  EXPECT_THAT([&] { load(path); }, ThrowsMessage<UserError>(::testing::AllOf(
                                       HasSubstr(path), HasSubstr("it is empty"))));
  write_file(path, "name: quick\nseed: 42\n");
  EXPECT_THAT([&] { load(path); }, ThrowsMessage<UserError>(HasSubstr("not an HDF5 file")));
  ASSERT_EQ(mkfifo((scratch / "pipe").c_str(), 0600), 0);
  EXPECT_THAT([&] { load(scratch / "pipe"); },
              ThrowsMessage<UserError>(HasSubstr("not a regular file")));
  write_file(path, "\211HDF");
  EXPECT_THAT([&] { load(path); }, ThrowsMessage<UserError>(HasSubstr("not an HDF5 file")));
}

TEST(LoadTest, TruncatedAnywhereIsAUserError) {
  const testing::InMemory memory;
  const ScratchFolder& scratch = *memory;
  const std::string bytes = read_file(some_file(scratch));
  const std::string path = scratch / "cut.h5";
  std::vector<std::size_t> lengths;
  for (std::size_t length = 0; length < 100; ++length)
    lengths.push_back(length);
  for (std::size_t length = 128; length < bytes.size(); length += bytes.size() / 150)
    lengths.push_back(length);
  for (std::size_t back = 1; back <= 20; ++back)
    lengths.push_back(bytes.size() - back);
  for (const std::size_t length : lengths) {
    write_file(path, bytes.substr(0, length));
    EXPECT_THAT([&] { load(path); }, ThrowsMessage<UserError>(HasSubstr(path))) << length;
    EXPECT_THROW(load_eab_trace(path, "eab1"), UserError) << length;
    EXPECT_THROW(Store::resume(path, example_info()), UserError) << length;
  }
  write_file(path, bytes); // the whole of it does load
  EXPECT_EQ(load(path).eab.size(), 3u);
}

// The leak sanitizer cannot tell: HDF5 keeps what is open, and closes it at the end.
TEST(LoadTest, NothingStaysOpen) {
  const testing::InMemory memory;
  const std::string path = some_file(*memory);
  const auto open = [] { return H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL); };
  EXPECT_EQ(open(), 0);
  load(path);
  load_eab_trace(path, "eab1");
  load_ep_trace(path, "ep1");
  { Store::resume(path, example_info()).append(eab_example(7)); }
  write_file(*memory / "cut.h5", read_file(path).substr(0, 5000));
  EXPECT_THROW(load(*memory / "cut.h5"), UserError);
  EXPECT_THROW(load_eab_trace(path, "none"), UserError);
  EXPECT_EQ(open(), 0);
  const Handle forgotten = open_file(path, false);
  EXPECT_EQ(open(), 1) << "the control";
}

} // namespace
} // namespace peakbench::results
