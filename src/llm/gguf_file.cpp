#include "llm/gguf_file.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "llm/overlap.h"

namespace peakbench::llm {

namespace {

constexpr std::uint32_t kMagic = 0x46554747; // "GGUF"
constexpr std::uint64_t kMinimumKeyValue = 8 + 4 + 1;
constexpr std::uint64_t kMinimumTensor = 8 + 4 + 8 + 4 + 8;

// ggml's numbers of tensor types; names of the ones we do not read are for the message.
struct TensorTypeName {
  std::string_view name;
  std::optional<StorageType> type;
};
TensorTypeName tensor_type(std::uint32_t number) {
  switch (number) {
  case 0:
    return {"F32", StorageType::f32};
  case 1:
    return {"F16", StorageType::f16};
  case 2:
    return {"Q4_0", StorageType::q4_0};
  case 3:
    return {"Q4_1", StorageType::q4_1};
  case 6:
    return {"Q5_0", StorageType::q5_0};
  case 7:
    return {"Q5_1", StorageType::q5_1};
  case 8:
    return {"Q8_0", StorageType::q8_0};
  case 9:
    return {"Q8_1", {}};
  case 10:
    return {"Q2_K", {}};
  case 11:
    return {"Q3_K", {}};
  case 12:
    return {"Q4_K", StorageType::q4_k};
  case 13:
    return {"Q5_K", StorageType::q5_k};
  case 14:
    return {"Q6_K", StorageType::q6_k};
  case 15:
    return {"Q8_K", {}};
  case 16:
    return {"IQ2_XXS", {}};
  case 17:
    return {"IQ2_XS", {}};
  case 18:
    return {"IQ3_XXS", {}};
  case 19:
    return {"IQ1_S", {}};
  case 20:
    return {"IQ4_NL", {}};
  case 21:
    return {"IQ3_S", {}};
  case 22:
    return {"IQ2_S", {}};
  case 23:
    return {"IQ4_XS", {}};
  case 24:
    return {"I8", {}};
  case 25:
    return {"I16", {}};
  case 26:
    return {"I32", {}};
  case 27:
    return {"I64", {}};
  case 28:
    return {"F64", {}};
  case 29:
    return {"IQ1_M", {}};
  case 30:
    return {"BF16", StorageType::bf16};
  case 34:
    return {"TQ1_0", {}};
  case 35:
    return {"TQ2_0", {}};
  case 39:
    return {"MXFP4", {}};
  default:
    return {"unknown", {}};
  }
}

} // namespace

void GgufFile::fail(const std::string& problem, const std::string& why,
                    std::uint64_t offset) const {
  throw UserError(fmt::format("'{}': {} at byte {}", file_.path(), problem, offset), why, "");
}

void GgufFile::need(std::uint64_t offset, std::uint64_t bytes, const char* what) const {
  if (offset > file_.size() || bytes > file_.size() - offset)
    fail(fmt::format("the file ends inside {}", what),
         fmt::format("{} more bytes needed, the file has {}", bytes, file_.size()), offset);
}

std::uint64_t GgufFile::read_unsigned(std::uint64_t offset, std::size_t bytes) const {
  need(offset, bytes, "a number");
  std::uint64_t value = 0; // little-endian, as every machine we run on
  std::memcpy(&value, file_.bytes().data() + offset, bytes);
  return value;
}

std::string_view GgufFile::read_string(std::uint64_t& offset) const {
  const std::uint64_t length = read_unsigned(offset, 8);
  need(offset + 8, length, "a string");
  const auto* data = reinterpret_cast<const char*>(file_.bytes().data()) + offset + 8;
  offset += 8 + length;
  return {data, length};
}

GgufFile::Value GgufFile::read_value(std::uint64_t& offset) const {
  const auto read_type = [&] {
    const std::uint64_t type = read_unsigned(offset, 4);
    if (type >= kGgufTypeNames.size())
      fail(fmt::format("unknown value type {}", type), "", offset);
    offset += 4;
    return static_cast<GgufType>(type);
  };
  Value value{read_type(), GgufType::uint8, 1, offset};
  if (value.type == GgufType::array) {
    value.element = read_type();
    if (value.element == GgufType::array)
      fail("an array of arrays", "not supported in metadata", offset - 4);
    value.count = read_unsigned(offset, 8);
    offset += 8;
    value.offset = offset;
  } else {
    value.element = value.type;
  }
  if (value.element == GgufType::string) {
    // A string takes 8 bytes at least: bounds the loop before it starts.
    if (value.count > (file_.size() - offset) / 8)
      fail(fmt::format("an array of {} strings", value.count), "longer than the file", offset);
    for (std::uint64_t i = 0; i < value.count; ++i)
      read_string(offset);
  } else {
    const std::size_t size = size_of(value.element);
    if (value.count > (file_.size() - offset) / size)
      fail(fmt::format("{} values of type {}", value.count, name_of(value.element)),
           "longer than the file", offset);
    offset += value.count * size;
  }
  return value;
}

void GgufFile::read_metadata(std::uint64_t count, std::uint64_t& offset) {
  if (count > file_.size() / kMinimumKeyValue)
    fail(fmt::format("{} metadata values announced", count), "more than the file can hold", 16);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t start = offset;
    std::string key(read_string(offset));
    const Value value = read_value(offset);
    if (!values_.emplace(std::move(key), value).second)
      fail("a metadata key appears twice", "", start);
  }
}

void GgufFile::read_tensors(std::uint64_t count, std::uint64_t& offset) {
  if (count > file_.size() / kMinimumTensor)
    fail(fmt::format("{} tensors announced", count), "more than the file can hold", 8);
  std::uint64_t alignment = 32;
  if (const auto given = integer("general.alignment")) {
    if (*given < 1 || *given > (1 << 20) || (*given & (*given - 1)) != 0)
      fail(fmt::format("alignment {}", *given), "expected a power of two", 0);
    alignment = static_cast<std::uint64_t>(*given);
  }
  struct Place {
    StoredTensor* tensor;
    std::uint64_t bytes, relative, entry;
  };
  std::vector<Place> places;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t entry = offset;
    const std::string name(read_string(offset));
    const std::uint64_t dimensions = read_unsigned(offset, 4);
    if (dimensions < 1 || dimensions > 4)
      fail(fmt::format("tensor '{}' has {} dimensions", name, dimensions), "expected 1 to 4",
           offset);
    offset += 4;
    StoredTensor tensor;
    std::uint64_t elements = 1;
    for (std::uint64_t d = 0; d < dimensions; ++d, offset += 8) {
      const std::uint64_t size = read_unsigned(offset, 8);
      if (size < 1 || size > (std::uint64_t{1} << 50) / elements)
        fail(fmt::format("tensor '{}' has a dimension of {}", name, size), "", offset);
      elements *= size;
      // The file lists the contiguous dimension first.
      tensor.shape.insert(tensor.shape.begin(), static_cast<std::int64_t>(size));
    }
    const auto number = static_cast<std::uint32_t>(read_unsigned(offset, 4));
    const TensorTypeName type = tensor_type(number);
    if (!type.type)
      fail(fmt::format("tensor '{}' has type {} ({})", name, number, type.name),
           "supported: " + storage_type_names(), offset);
    offset += 4;
    tensor.type = *type.type;
    const std::int64_t block = layout_of(tensor.type).block_elements;
    if (tensor.shape.back() % block != 0)
      fail(fmt::format("tensor '{}' has rows of {} elements", name, tensor.shape.back()),
           fmt::format("{} needs whole blocks of {}", type.name, block), entry);
    const std::uint64_t relative = read_unsigned(offset, 8);
    if (relative % alignment != 0)
      fail(fmt::format("tensor '{}' lies at {}", name, relative),
           fmt::format("not a multiple of {}", alignment), offset);
    offset += 8;
    const std::uint64_t bytes = *storage_bytes(tensor.type, static_cast<std::int64_t>(elements));
    const auto [place, added] = tensors_.emplace(name, std::move(tensor));
    if (!added)
      fail(fmt::format("tensor '{}' appears twice", name), "", entry);
    places.push_back({&place->second, bytes, relative, entry});
  }
  const std::uint64_t base = (offset + alignment - 1) / alignment * alignment;
  for (const Place& place : places) {
    if (base > file_.size() || place.relative > file_.size() - base ||
        place.bytes > file_.size() - base - place.relative)
      fail(fmt::format("a tensor of {} bytes at data offset {} reaches past the end of the file",
                       place.bytes, place.relative),
           fmt::format("the file has {} bytes; is it complete?", file_.size()), place.entry);
    place.tensor->data = file_.bytes().subspan(base + place.relative, place.bytes);
  }
  refuse_overlaps(tensors_, file_.path());
}

GgufFile::GgufFile(const std::string& path) : file_(path) {
  if (read_unsigned(0, 4) != kMagic)
    fail("no GGUF magic", "this is not a GGUF file", 0);
  version_ = static_cast<std::uint32_t>(read_unsigned(4, 4));
  if (version_ != 2 && version_ != 3)
    fail(fmt::format("GGUF version {}", version_), "supported: 2 and 3, little-endian", 4);
  const std::uint64_t tensors = read_unsigned(8, 8), values = read_unsigned(16, 8);
  std::uint64_t offset = 24;
  read_metadata(values, offset);
  read_tensors(tensors, offset);
}

} // namespace peakbench::llm
