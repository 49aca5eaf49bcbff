// A file mapped read-only. Model files are larger than what we want to hold twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace peakbench::llm {

class MappedFile {
public:
  // UserError if the file is missing, not readable or no regular file.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  std::span<const std::uint8_t> bytes() const { return {data_, size_}; }

private:
  std::string path_;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace peakbench::llm
