#include "ep/idx_file.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include "base/error.h"
#include "ep/image_files.h"

namespace peakbench::ep {
namespace {

using peakbench::testing::read_file;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::idx_header;
using ::testing::ThrowsMessage;

class IdxFile : public ::testing::Test {
protected:
  // A file of 2 x 3 values.
  static std::string good() { return idx_header({2, 3}) + "abcdef"; }
  void write(const std::string& bytes, const std::string& name = "x") const {
    write_file(scratch_ / name, bytes);
  }
  void write_packed(const std::string& bytes) const {
    gzFile file = gzopen((scratch_ / "x.gz").c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
  }
  IdxArray read() const { return read_idx(scratch_.path(), "x", 2); }
  // What reading says names the file and all of these.
  void expect_refused(const std::string& bytes, const std::string& a, const std::string& b) const {
    write(bytes);
    EXPECT_THAT([&] { read(); },
                ThrowsMessage<UserError>(
                    AllOf(HasSubstr((scratch_ / "x").string()), HasSubstr(a), HasSubstr(b))));
  }
  ScratchFolder scratch_;
};

TEST_F(IdxFile, SizesAndValues) {
  write(good());
  const IdxArray array = read();
  EXPECT_THAT(array.sizes, ElementsAre(2, 3));
  EXPECT_THAT(array.values, ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
}

TEST_F(IdxFile, PackedIsTheSame) {
  write_packed(good());
  EXPECT_THAT(read().sizes, ElementsAre(2, 3));
  EXPECT_THAT(read().values, ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
}

TEST_F(IdxFile, MissingNamesBothNames) {
  EXPECT_THAT([&] { read(); },
              ThrowsMessage<UserError>(AllOf(
                  HasSubstr((scratch_ / "x").string() + ": no such file"), HasSubstr(".gz"))));
  std::filesystem::create_directory(scratch_ / "x");
  EXPECT_THROW(read(), UserError);
}

TEST_F(IdxFile, WrongHeaders) {
  std::string bytes = good();
  bytes[1] = 7;
  expect_refused(bytes, "offset 1", "begins with two zero bytes, here is 0x07");
  bytes = good();
  bytes[2] = 0x0d; // floats
  expect_refused(bytes, "offset 2", "the type is 0x0d");
  expect_refused(idx_header({6}) + "abcdef", "offset 3", "1 dimensions, wanted are 2");
  expect_refused(idx_header({2, 0}), "offset 8", "a size is zero");
  expect_refused(good().substr(0, 11), "offset 11", "within its header of 12 bytes");
  expect_refused("", "offset 0", "within its header");
}

TEST_F(IdxFile, LengthAndHeaderMustAgree) {
  expect_refused(good().substr(0, 16), "ends too early at offset 16", "6 values, 4 are there");
  expect_refused(good() + "g", "bytes follow its end at offset 18", "6 values, 7 are there");
  // Sizes whose product has more than 64 bits announce no small file.
  write(idx_header({0xffffffff, 0xffffffff, 0x100000000 / 2}) + "a");
  EXPECT_THAT([&] { read_idx(scratch_.path(), "x", 3); },
              ThrowsMessage<UserError>(HasSubstr("ends too early at offset 17")));
}

TEST_F(IdxFile, DamagedPackingIsSeen) {
  const auto expect = [&](const std::string& bytes, const std::string& what) {
    write(bytes, "x.gz");
    EXPECT_THAT([&] { read(); },
                ThrowsMessage<UserError>(
                    AllOf(HasSubstr("x.gz: the gzip data is damaged at offset"), HasSubstr(what))));
  };
  write_packed(good());
  const std::string packed = read_file(scratch_ / "x.gz");
  expect(packed.substr(0, packed.size() - 5), "ends too early");
  expect(packed + "x", "bytes follow its end");
  std::string flipped = packed;
  flipped[packed.size() - 6] ^= 1; // of the checksum
  expect(flipped, "incorrect data check");
  // What is inside is checked as if it were not packed.
  write_packed(good() + "g");
  EXPECT_THAT([&] { read(); }, ThrowsMessage<UserError>(HasSubstr("bytes follow its end")));
}

} // namespace
} // namespace peakbench::ep
