#include "llm/safetensors.h"

#include <gmock/gmock.h>

#include "expect_error.h"
#include "model_writer.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::user_error;

class Safetensors : public ::testing::Test {
protected:
  const MappedFile& map(const std::string& bytes) {
    const std::string path = (folder_ / "w.safetensors").string();
    peakbench::testing::write_file(path, bytes);
    files_.push_back(std::make_unique<MappedFile>(path));
    return *files_.back();
  }
  std::string error(const std::string& bytes) {
    return user_error([&] { read_safetensors(map(bytes)); });
  }
  std::string error_of_header(const std::string& header) {
    return error(bytes_of<std::uint64_t>(header.size()) + header + std::string(64, '\0'));
  }
  peakbench::testing::ScratchFolder folder_;
  std::vector<std::unique_ptr<MappedFile>> files_;
};

TEST_F(Safetensors, ReadsWhatWasWritten) {
  const auto tensors = read_safetensors(map(testing::safetensors_bytes(
      {{"a", "F32", {2, 1}, bytes_of(std::vector<float>{1, 2})},
       {"b", "BF16", {3}, "xxyyzz"},
       {"scalar", "F16", {}, "hh"},
       {"model.layers.0.self_attn.rotary_emb.inv_freq", "F32", {1}, bytes_of(1.0f)}})));
  EXPECT_EQ(tensors.size(), 3u);
  EXPECT_THAT(tensors.at("a").shape, ElementsAre(2, 1));
  EXPECT_EQ(tensors.at("b").type, StorageType::bf16);
  EXPECT_EQ(tensors.at("b").data[4], 'z');
  EXPECT_EQ(tensors.at("scalar").elements(), 1);
}

TEST_F(Safetensors, CutAtEveryByte) {
  const std::string whole =
      testing::safetensors_bytes({{"a", "F32", {2}, bytes_of(std::vector<float>{1, 2})}});
  EXPECT_NO_THROW(read_safetensors(map(whole)));
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_THROW(read_safetensors(map(whole.substr(0, length))), UserError) << "length " << length;
}

TEST_F(Safetensors, HostileHeaders) {
  EXPECT_THAT(error(bytes_of<std::uint64_t>(1ULL << 63) + "{}"), HasSubstr("is it complete?"));
  EXPECT_THAT(error_of_header("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of_header("{\"a\": \xFF}"), HasSubstr("not valid JSON"));
  const auto entry = [&](const std::string& dtype, const std::string& shape,
                         const std::string& offsets) {
    return error_of_header("{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
                           ",\"data_offsets\":" + offsets + "}}");
  };
  EXPECT_THAT(entry("F64", "[1]", "[0,8]"), AllOf(HasSubstr("F64"), HasSubstr("F32, F16, BF16")));
  EXPECT_THAT(entry("F32", "[2]", "[0,4]"), HasSubstr("its shape and type need 8"));
  EXPECT_THAT(entry("F32", "[2]", "[8,0]"), HasSubstr("reaches from 8 to 0"));
  EXPECT_THAT(entry("F32", "[2]", "[60,68]"), HasSubstr("is the file complete?"));
  EXPECT_THAT(entry("F32", "[-1]", "[0,4]"), HasSubstr("dimension of -1"));
  EXPECT_THAT(entry("F32", "[0]", "[0,0]"), HasSubstr("dimension of 0"));
  EXPECT_THAT(entry("F32", "[4294967296,4294967296]", "[0,4]"), HasSubstr("dimension of"));
  EXPECT_THAT(entry("F32", "[1.5]", "[0,4]"), HasSubstr("dimension of 1.5"));
  EXPECT_THAT(entry("F32", "7", "[0,4]"), HasSubstr("no shape"));
  EXPECT_THAT(entry("F32", "[1]", "[0]"), HasSubstr("no shape or no data_offsets"));
}

} // namespace
} // namespace peakbench::llm
