// Blocks of rows on their way between processes, and tables that claim what they have not.
#include "results/file_blocks.h"

#include <gmock/gmock.h>

#include "results/examples.h"
#include "results/in_memory.h"
#include "results/layout.h"
#include "results/table.h"
#include "results/tables.h"

namespace peakbench::results {
namespace {

using testing::eab_example;
using testing::ep_example;
using testing::equal;
using testing::example_info;
using testing::filled;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Block example_block() {
  Block block;
  block.rows.eab = {eab_example(1).record, eab_example(2).record};
  block.rows.ep_training = ep_example(1).training;
  block.rows.ranks = {filled<RankRow>(3)};
  block.digests = {1, ~std::uint64_t{0}};
  block.traces = std::string("an image\0of zeros", 17);
  return block;
}

TEST(FileBlocksTest, BlocksComeBackFromTheirBytes) {
  const Block block = example_block(), back = block_from(to_bytes(block));
  EXPECT_EQ(back.traces, block.traces);
  EXPECT_EQ(back.digests, block.digests);
  for_each_table_member([&](const char* table, auto member) {
    ASSERT_EQ((back.rows.*member).size(), (block.rows.*member).size()) << table;
    for (std::size_t row = 0; row < (block.rows.*member).size(); ++row)
      EXPECT_TRUE(equal((back.rows.*member)[row], (block.rows.*member)[row])) << table;
  });
  FileHead head{
      example_info(), {filled<EnvironmentRow>(1)}, {filled<SourceRow>(2)}, {"a", ""}, "i"};
  head.info.peakbench_version = "1.2";
  const FileHead head_back = head_from(to_bytes(head));
  EXPECT_EQ(head_back.info.plan_json, head.info.plan_json);
  EXPECT_EQ(head_back.info.peakbench_version, "1.2");
  EXPECT_EQ(head_back.info.git_dirty, head.info.git_dirty);
  EXPECT_TRUE(equal(head_back.environment.at(0), head.environment[0]));
  EXPECT_TRUE(equal(head_back.sources.at(0), head.sources[0]));
  EXPECT_EQ(head_back.plans, head.plans);
  EXPECT_EQ(head_back.plans_image, "i");
}

TEST(FileBlocksTest, BytesThatEndTooEarlyAreAnError) {
  const std::string bytes = to_bytes(example_block());
  for (std::size_t length = 0; length < bytes.size(); length += 7)
    EXPECT_THROW(block_from(std::string_view(bytes).substr(0, length)), std::runtime_error)
        << length;
  std::string vast = bytes; // a length that nobody can have sent
  vast.replace(0, 8, std::string(8, '\377'));
  EXPECT_THROW(block_from(vast), std::runtime_error);
}

TEST(FileBlocksTest, ATableCannotClaimMoreRowsThanItsBytesHold) {
  const testing::InMemory memory;
  const std::string path = (*memory / "claims.h5").string();
  {
    const Handle file = create_file(path);
    write_layout(file, example_info());
    const std::vector<RepeatRow> rows{{"a", 0, 0.5}, {"a", 1, 0.5}};
    append_rows<RepeatRow>(file, kEabSamples, rows);
    EXPECT_EQ(read_rows<RepeatRow>(file, kEabSamples).size(), 2u);
    const Handle dataset(H5Dopen2(file, kEabSamples, H5P_DEFAULT), H5Dclose, "H5Dopen");
    const hsize_t claimed = hsize_t{1} << 40;
    check(H5Dset_extent(dataset, &claimed), "H5Dset_extent");
  }
  EXPECT_THAT([&] { load(path); }, ThrowsMessage<UserError>(HasSubstr("fewer rows than it says")));
}

TEST(FileBlocksTest, BlocksOfALongTableAreItsRows) {
  const testing::InMemory memory;
  const Handle file = create_file((*memory / "long.h5").string());
  write_layout(file, example_info());
  std::vector<RepeatRow> rows;
  for (int repeat = 0; repeat < 3000; ++repeat)
    rows.push_back({"case " + std::to_string(repeat), repeat, repeat / 8.0});
  append_rows<RepeatRow>(file, kEabSamples, rows);
  std::size_t at = 0, blocks = 0;
  read_blocks<RepeatRow>(file, kEabSamples, [&](std::vector<RepeatRow> block) {
    ++blocks;
    for (const RepeatRow& row : block)
      ASSERT_TRUE(equal(row, rows.at(at++)));
  });
  EXPECT_EQ(at, rows.size());
  EXPECT_GT(blocks, 1u);
}

} // namespace
} // namespace peakbench::results
