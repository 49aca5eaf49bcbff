#include "llm/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace peakbench::llm {

namespace {

class Descriptor {
public:
  explicit Descriptor(const std::string& path)
      : value_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (value_ >= 0)
      ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

private:
  int value_;
};

} // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const Descriptor descriptor(path);
  if (descriptor.value() < 0)
    throw UserError("cannot open '" + path + "'", std::strerror(errno), "");
  struct stat status {};
  if (::fstat(descriptor.value(), &status) != 0)
    throw UserError("cannot read '" + path + "'", std::strerror(errno), "");
  if (!S_ISREG(status.st_mode))
    throw UserError("'" + path + "' is not a regular file");
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0)
    return; // mmap refuses length 0
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor.value(), 0);
  if (address == MAP_FAILED)
    throw UserError("cannot map '" + path + "' into memory", std::strerror(errno), "");
  data_ = static_cast<const std::uint8_t*>(address);
}

MappedFile::~MappedFile() {
  if (data_)
    ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

} // namespace peakbench::llm
