#include "llm/safetensors.h"

#include <fmt/format.h>

#include <cstring>

#include "base/error.h"
#include "llm/huggingface_json.h"
#include "llm/overlap.h"

namespace peakbench::llm {

namespace {

using Json = JsonFile::Json;
constexpr std::uint64_t kLargestHeader = 100'000'000; // the format's own limit

// An unsigned integer, or UINT64_MAX for anything else.
std::uint64_t unsigned_of(const Json& value) {
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : UINT64_MAX;
}

StorageType type_of(const JsonFile& header, const std::string& name, const Json& entry) {
  const std::string type = header.text(entry, "dtype").value_or("none");
  if (type == "F32")
    return StorageType::f32;
  if (type == "F16")
    return StorageType::f16;
  if (type == "BF16")
    return StorageType::bf16;
  header.fail(fmt::format("tensor '{}' has type {}", name, type), "supported: F32, F16, BF16");
}

StoredTensor read_entry(const JsonFile& header, const std::string& name, const Json& entry,
                        std::span<const std::uint8_t> data, std::uint64_t data_begin) {
  StoredTensor tensor;
  tensor.type = type_of(header, name, entry);
  const Json* shape = header.find(entry, "shape");
  const Json* offsets = header.find(entry, "data_offsets");
  if (!shape || !shape->is_array() || !offsets || !offsets->is_array() || offsets->size() != 2)
    header.fail(fmt::format("tensor '{}' has no shape or no data_offsets", name));
  std::uint64_t elements = 1;
  for (const Json& item : *shape) {
    const std::uint64_t size = unsigned_of(item);
    if (size < 1 || size > (std::uint64_t{1} << 50) / elements)
      header.fail(fmt::format("tensor '{}' has a dimension of {}", name, header.shown(item)));
    elements *= size;
    tensor.shape.push_back(static_cast<std::int64_t>(size));
  }
  const std::uint64_t begin = unsigned_of((*offsets)[0]), end = unsigned_of((*offsets)[1]);
  const std::uint64_t bytes = *storage_bytes(tensor.type, static_cast<std::int64_t>(elements));
  if (begin > end || end > data.size())
    header.fail(fmt::format("tensor '{}' reaches from {} to {} behind byte {}", name,
                            header.shown((*offsets)[0]), header.shown((*offsets)[1]), data_begin),
                fmt::format("there are {} bytes; is the file complete?", data.size()));
  if (end - begin != bytes)
    header.fail(
        fmt::format("tensor '{}' has {} bytes at {}", name, end - begin, data_begin + begin),
        fmt::format("its shape and type need {}", bytes));
  tensor.data = data.subspan(begin, bytes);
  return tensor;
}

} // namespace

std::map<std::string, StoredTensor> read_safetensors(const MappedFile& file) {
  const auto bytes = file.bytes();
  std::uint64_t length = 0;
  if (bytes.size() < sizeof length)
    throw UserError(fmt::format("'{}': the file ends inside the header length at byte {}",
                                file.path(), bytes.size()));
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > kLargestHeader || length > bytes.size() - sizeof length)
    throw UserError(fmt::format("'{}': a header of {} bytes at byte 8", file.path(), length),
                    fmt::format("the file has {} bytes; is it complete?", bytes.size()), "");
  const JsonFile header(file.path(),
                        {reinterpret_cast<const char*>(bytes.data()) + sizeof length, length});
  std::map<std::string, StoredTensor> tensors;
  for (const auto& [name, entry] : header.root().items()) {
    if (name == "__metadata__" || name.ends_with("rotary_emb.inv_freq"))
      continue;
    tensors.emplace(name, read_entry(header, name, entry, bytes.subspan(sizeof length + length),
                                     sizeof length + length));
  }
  refuse_overlaps(tensors, file.path());
  return tensors;
}

} // namespace peakbench::llm
