#include "llm/gguf_file.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "expect_error.h"
#include "llm/model_source.h"
#include "model_writer.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using testing::bytes_of;
using ::testing::ElementsAre;
using testing::GgufWriter;
using ::testing::HasSubstr;
using testing::user_error;

class GgufFileTest : public ::testing::Test {
protected:
  std::string path() const { return (folder_ / "model.gguf").string(); }
  GgufFile open(const std::string& bytes) {
    write_file(path(), bytes);
    return GgufFile(path());
  }
  std::string error(const std::string& bytes) {
    return user_error([&] { open(bytes); });
  }
  ScratchFolder folder_;
};

TEST_F(GgufFileTest, ReadsEveryKindOfValue) {
  GgufWriter writer;
  writer.raw("u8", 0, "\xFF")
      .raw("i8", 1, "\xFF")
      .raw("u16", 2, "\xFF\xFF")
      .raw("i16", 3, "\xFF\xFF");
  writer.integer("u32", 4000000000U).raw("i32", 5, bytes_of<std::int32_t>(-7));
  writer.raw("u64", 10, bytes_of<std::uint64_t>(1ULL << 40))
      .raw("i64", 11, bytes_of<std::int64_t>(-3));
  writer.number("f32", 0.5f)
      .raw("f64", 12, bytes_of(0.25))
      .boolean("yes", true)
      .text("text", "caf\xC3\xA9");
  writer.texts("texts", {"", "a"}).integers("integers", {1, -2}).numbers("numbers", {1.5f});
  for (const std::uint32_t version : {2U, 3U}) {
    writer.version = version;
    const GgufFile file = open(writer.bytes());
    EXPECT_EQ(file.version(), version);
    EXPECT_EQ(file.integer("u8"), 255);
    EXPECT_EQ(file.integer("i8"), -1);
    EXPECT_EQ(file.integer("u16"), 65535);
    EXPECT_EQ(file.integer("i16"), -1);
    EXPECT_EQ(file.integer("u32"), 4000000000);
    EXPECT_EQ(file.integer("i32"), -7);
    EXPECT_EQ(file.integer("u64"), std::int64_t{1} << 40);
    EXPECT_EQ(file.integer("i64"), -3);
    EXPECT_EQ(file.number("f32"), 0.5);
    EXPECT_EQ(file.number("f64"), 0.25);
    EXPECT_EQ(file.number("i32"), -7.0);
    EXPECT_EQ(file.boolean("yes"), true);
    EXPECT_EQ(file.text("text"), "caf\xC3\xA9");
    EXPECT_THAT(*file.texts("texts"), ElementsAre("", "a"));
    EXPECT_THAT(*file.numbers("integers"), ElementsAre(1, -2));
    EXPECT_FALSE(file.integer("missing"));
    EXPECT_FALSE(file.texts("missing"));
  }
}

TEST_F(GgufFileTest, WrongTypesNameTheKeyAndTheOffset) {
  const GgufFile file = open(GgufWriter().text("key", "x").number("number", 1).bytes());
  EXPECT_THAT(user_error([&] { file.integer("key"); }),
              AllOf(HasSubstr("'key' is of type string"), HasSubstr("expected an integer"),
                    HasSubstr("at byte"), HasSubstr(path())));
  EXPECT_THAT(user_error([&] { file.integer("number"); }), HasSubstr("float32"));
  EXPECT_THAT(user_error([&] { file.boolean("number"); }), HasSubstr("expected bool"));
  EXPECT_THAT(user_error([&] { file.texts("key"); }), HasSubstr("array of strings"));
  EXPECT_THAT(user_error([&] { file.needed_text("none"); }), HasSubstr("'none' is missing"));
}

TEST_F(GgufFileTest, TensorsLieWhereTheTableSays) {
  GgufWriter writer;
  writer.tensor("a", {3}, 0, bytes_of(std::vector<float>{1, 2, 3}));
  writer.tensor("b", {32, 2}, 3, std::string(40, 'q'));
  const GgufFile file = open(writer.bytes());
  const StoredTensor &a = file.tensors().at("a"), &b = file.tensors().at("b");
  EXPECT_THAT(a.shape, ElementsAre(3));
  EXPECT_THAT(b.shape, ElementsAre(2, 32)); // rows first
  EXPECT_EQ(a.data.size(), 12u);
  EXPECT_EQ(b.type, StorageType::q4_1);
  EXPECT_EQ(std::string(b.data.begin(), b.data.end()), std::string(40, 'q'));
}

TEST_F(GgufFileTest, HonoursTheAlignment) {
  GgufWriter writer;
  writer.integer("general.alignment", 64).tensor("a", {1}, 0, bytes_of(1.0f));
  std::string bytes = writer.header();
  bytes.resize((bytes.size() + 63) / 64 * 64, '\0');
  EXPECT_EQ(open(bytes + bytes_of(5.0f)).tensors().at("a").data[3], 0x40);
  EXPECT_THAT(error(GgufWriter().integer("general.alignment", 24).bytes()),
              HasSubstr("alignment 24"));
  EXPECT_THAT(error(GgufWriter().integer("general.alignment", 0).bytes()),
              HasSubstr("alignment 0"));
}

TEST_F(GgufFileTest, HostileNumbers) {
  const std::string huge = bytes_of<std::uint64_t>(1ULL << 62), start = "GGUF" + bytes_of(3U);
  const auto tensor_entry = [&](std::uint32_t dimensions, const std::string& sizes,
                                std::uint32_t type, std::uint64_t offset) {
    return start + bytes_of<std::uint64_t>(1) + bytes_of<std::uint64_t>(0) +
           bytes_of<std::uint64_t>(1) + "t" + bytes_of(dimensions) + sizes + bytes_of(type) +
           bytes_of(offset) + std::string(64, '\0');
  };
  const auto sizes = [](std::vector<std::uint64_t> all) { return bytes_of(all); };
  EXPECT_THAT(error("GGML"), HasSubstr("not a GGUF file"));
  EXPECT_THAT(error("GGUF" + bytes_of(1U) + huge), HasSubstr("version 1"));
  EXPECT_THAT(error(start + huge + bytes_of<std::uint64_t>(0)), HasSubstr("tensors announced"));
  EXPECT_THAT(error(start + bytes_of<std::uint64_t>(0) + huge),
              HasSubstr("metadata values announced"));
  EXPECT_THAT(error(GgufWriter().raw("k", 8, huge).bytes()), HasSubstr("inside a string"));
  EXPECT_THAT(error(GgufWriter().raw("k", 9, bytes_of(8U) + huge).bytes()), HasSubstr("strings"));
  EXPECT_THAT(error(GgufWriter().raw("k", 9, bytes_of(12U) + huge).bytes()), HasSubstr("float64"));
  EXPECT_THAT(error(GgufWriter().raw("k", 9, bytes_of(9U) + huge).bytes()),
              HasSubstr("array of arrays"));
  EXPECT_THAT(error(GgufWriter().raw("k", 13, "").bytes()), HasSubstr("unknown value type 13"));
  EXPECT_THAT(error(tensor_entry(5, sizes({1, 1, 1, 1, 1}), 0, 0)), HasSubstr("5 dimensions"));
  EXPECT_THAT(error(tensor_entry(0, "", 0, 0)), HasSubstr("0 dimensions"));
  EXPECT_THAT(error(tensor_entry(1, sizes({0}), 0, 0)), HasSubstr("dimension of 0"));
  EXPECT_THAT(error(tensor_entry(2, sizes({1ULL << 33, 1ULL << 33}), 0, 0)),
              HasSubstr("dimension of"));
  EXPECT_THAT(error(tensor_entry(1, sizes({1ULL << 49}), 0, 0)), HasSubstr("past the end"));
  EXPECT_THAT(error(tensor_entry(1, sizes({8}), 0, 1ULL << 63)), HasSubstr("past the end"));
  EXPECT_THAT(error(tensor_entry(1, sizes({8}), 0, 16)), HasSubstr("not a multiple of 32"));
  EXPECT_THAT(error(tensor_entry(1, sizes({33}), 8, 0)), HasSubstr("whole blocks of 32"));
}

TEST_F(GgufFileTest, UnsupportedTensorTypesAreNamed) {
  EXPECT_THAT(error(GgufWriter().tensor("t", {256}, 10, std::string(84, '\0')).bytes()),
              AllOf(HasSubstr("tensor 't'"), HasSubstr("Q2_K"),
                    HasSubstr("supported: F32, F16, BF16"), HasSubstr("Q6_K")));
  EXPECT_THAT(error(GgufWriter().tensor("t", {256}, 99, "").bytes()), HasSubstr("99 (unknown)"));
}

TEST_F(GgufFileTest, DoubledNames) {
  std::string bytes = GgufWriter().integer("a", 1).integer("b", 2).bytes();
  bytes[bytes.rfind('b')] = 'a';
  EXPECT_THAT(error(bytes), HasSubstr("appears twice"));
}

TEST_F(GgufFileTest, CutAtEveryByteOfTheHeader) {
  const GgufWriter writer = testing::small_gguf();
  const std::string whole = writer.bytes();
  EXPECT_NO_THROW(open(whole));
  EXPECT_THAT(error(whole.substr(0, whole.size() - 1)), HasSubstr("past the end of the file"));
  for (std::size_t length = writer.header().size(); length-- > 0;) {
    std::filesystem::resize_file(path(), length);
    EXPECT_THROW(GgufFile{path()}, UserError) << "length " << length;
  }
}

// Whatever a byte is changed to, the file opens or is refused; nothing else may happen.
TEST_F(GgufFileTest, ChangedBytesOfTheHeader) {
  const GgufWriter writer = testing::small_gguf();
  const std::string whole = writer.bytes();
  write_file(path(), whole);
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  const auto put = [&](std::size_t at, char byte) {
    file.seekp(static_cast<std::streamoff>(at)).put(byte).flush();
  };
  std::mt19937 random(3);
  int refused = 0, opened = 0;
  for (int round = 0; round < 1500; ++round) {
    const std::size_t at = random() % writer.header().size();
    put(at, static_cast<char>(random()));
    try {
      ModelSource::open(path());
      ++opened;
    } catch (const UserError& error) {
      EXPECT_THAT(error.what(), HasSubstr("model.gguf"));
      ++refused;
    }
    put(at, whole[at]);
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(opened, 100);
}

} // namespace
} // namespace peakbench::llm
