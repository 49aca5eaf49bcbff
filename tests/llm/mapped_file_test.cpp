#include "llm/mapped_file.h"

#include <gmock/gmock.h>

#include "expect_error.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using ::testing::HasSubstr;
using testing::user_error;

TEST(MappedFile, ShowsTheBytesAndSurvivesAMove) {
  const peakbench::testing::ScratchFolder folder;
  peakbench::testing::write_file(folder / "file", "abc");
  MappedFile first((folder / "file").string());
  const MappedFile second = std::move(first);
  ASSERT_EQ(second.size(), 3u);
  EXPECT_EQ(second.bytes()[2], 'c');
  EXPECT_EQ(second.path(), (folder / "file").string());
}

TEST(MappedFile, AnEmptyFileHasNoBytes) {
  const peakbench::testing::ScratchFolder folder;
  peakbench::testing::write_file(folder / "empty", "");
  EXPECT_TRUE(MappedFile((folder / "empty").string()).bytes().empty());
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  const peakbench::testing::ScratchFolder folder;
  EXPECT_THAT(user_error([&] { MappedFile((folder / "none").string()); }),
              HasSubstr("No such file or directory"));
  EXPECT_THAT(user_error([&] { MappedFile(folder.path().string()); }),
              HasSubstr("not a regular file"));
}

} // namespace
} // namespace peakbench::llm
