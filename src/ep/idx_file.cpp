#include "ep/idx_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>

#include "base/error.h"

namespace peakbench::ep {

namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::uint8_t kUnsignedBytes = 0x08;
// Where products of sizes, which have 32 bits, stop: no file is as large, and 64 bits still hold
// it.
constexpr std::uint64_t kMostValues = std::uint64_t{1} << 31;

Bytes read_whole(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  Bytes bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && !in.eof())
    throw UserError(fmt::format("{}: cannot be read", path.string()));
  return bytes;
}

bool is_gzip(const Bytes& bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

[[noreturn]] void refuse_packed(const fs::path& path, const z_stream& stream, const char* why) {
  throw UserError(
      fmt::format("{}: the gzip data is damaged at offset {}", path.string(), stream.total_in), why,
      "Copy the file again.");
}

// One gzip member, whole: a file that was cut or has anything behind its end is refused.
Bytes unpack(const fs::path& path, Bytes packed) {
  z_stream stream{};
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (inflateInit2(&stream, kGzipOnly) != Z_OK)
    throw std::bad_alloc();
  const std::unique_ptr<z_stream, InflateEnd> owner(&stream);
  if (packed.size() > std::numeric_limits<uInt>::max())
    throw UserError(fmt::format("{}: is too large", path.string()), "4 GB packed or more",
                    "Unpack it with gunzip.");
  stream.next_in = packed.data();
  stream.avail_in = static_cast<uInt>(packed.size());
  Bytes bytes;
  int status = Z_OK;
  while (status == Z_OK) {
    constexpr std::size_t kChunk = 1 << 20;
    const std::size_t done = bytes.size();
    bytes.resize(done + kChunk);
    stream.next_out = bytes.data() + done;
    stream.avail_out = kChunk;
    status = inflate(&stream, Z_NO_FLUSH);
    bytes.resize(done + kChunk - stream.avail_out);
  }
  if (status == Z_BUF_ERROR)
    refuse_packed(path, stream, "the file ends too early");
  if (status != Z_STREAM_END)
    refuse_packed(path, stream, stream.msg ? stream.msg : "zlib cannot read it");
  if (stream.avail_in > 0)
    refuse_packed(path, stream, "bytes follow its end");
  return bytes;
}

// The header's sizes; `offset` is moved behind them.
std::vector<std::int64_t> read_sizes(const fs::path& path, const Bytes& bytes,
                                     std::size_t dimensions, std::size_t& offset) {
  const auto refuse = [&](std::size_t at, const std::string& why) {
    throw UserError(
        fmt::format("{}: is not the IDX file that is wanted, at offset {}", path.string(), at), why,
        "");
  };
  if (bytes.size() < 4 + 4 * dimensions)
    refuse(bytes.size(),
           fmt::format("the file ends within its header of {} bytes", 4 + 4 * dimensions));
  for (const std::size_t at : {0u, 1u})
    if (bytes[at] != 0)
      refuse(at, fmt::format("an IDX file begins with two zero bytes, here is {:#04x}", bytes[at]));
  if (bytes[2] != kUnsignedBytes)
    refuse(2, fmt::format("the type is {:#04x}, wanted are unsigned bytes, 0x08", bytes[2]));
  if (bytes[3] != dimensions)
    refuse(3, fmt::format("it has {} dimensions, wanted are {}", bytes[3], dimensions));
  std::vector<std::int64_t> sizes;
  for (offset = 4; offset < 4 + 4 * dimensions; offset += 4) {
    std::int64_t size = 0;
    for (std::size_t i = 0; i < 4; ++i)
      size = 256 * size + bytes[offset + i];
    if (size == 0)
      refuse(offset, "a size is zero");
    sizes.push_back(size);
  }
  return sizes;
}

} // namespace

IdxArray read_idx(const fs::path& folder, const std::string& name, std::size_t dimensions) {
  fs::path path = folder / name;
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    path += ".gz";
  if (!fs::is_regular_file(path, ignored))
    throw UserError(fmt::format("{}: no such file", (folder / name).string()),
                    "nor with .gz behind its name", "");
  Bytes bytes = read_whole(path);
  if (is_gzip(bytes))
    bytes = unpack(path, std::move(bytes));
  IdxArray array{path, {}, {}};
  std::size_t offset = 0;
  array.sizes = read_sizes(path, bytes, dimensions, offset);
  std::uint64_t count = 1;
  for (const std::int64_t size : array.sizes)
    count = std::min(kMostValues, count * static_cast<std::uint64_t>(size));
  if (bytes.size() - offset != count || count == kMostValues)
    throw UserError(
        fmt::format("{}: {} at offset {}", path.string(),
                    bytes.size() - offset < count ? "ends too early" : "bytes follow its end",
                    std::min<std::uint64_t>(bytes.size(), offset + count)),
        fmt::format("its header announces {} values, {} are there", count, bytes.size() - offset),
        "Copy the file again.");
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  array.values = std::move(bytes);
  return array;
}

} // namespace peakbench::ep
