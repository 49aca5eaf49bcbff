// Move-only HDF5 ids and the one wrapper through which every HDF5 call goes.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace peakbench::results {

// An HDF5 call failed: its name and HDF5's own error text. Becomes a UserError with the file's name
// at the borders of this folder.
class Hdf5Error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

// HDF5 prints its errors by default; while this lives they only land in our messages.
class QuietErrors {
public:
  QuietErrors();
  ~QuietErrors();
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;

private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

[[noreturn]] void throw_hdf5_error(const char* call);

// Negative results are failures, for ids, sizes and statuses alike.
template <class Result>
Result check(Result result, const char* call) {
  if (result < 0)
    throw_hdf5_error(call);
  return result;
}

class Handle {
public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close closer, const char* call) : id_(check(id, call)), close_(closer) {}
  Handle(Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0)
      close_(id_); // nothing can be done about a failure here; close() tells
  }
  // As the destructor, with a check.
  void close(const char* call) {
    if (id_ >= 0)
      check(close_(std::exchange(id_, H5I_INVALID_HID)), call);
  }
  operator hid_t() const { return id_; }

private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

// Files. The file's locking is our own (file_lock.h): HDF5's would keep readers out during a run.
Handle open_file(const std::string& path, bool writable);
Handle create_file(const std::string& path);
// Everything to the disk, not only to the kernel.
void flush_to_disk(hid_t file);

Handle make_group(hid_t file, const std::string& name);
bool has_link(hid_t file, const std::string& name);
bool has_plain_bits(hid_t type); // of a number: all of its bytes, and no others
Handle text_type();              // variable length, UTF-8
Handle truth_type();             // FALSE | TRUE, as h5py's bool

void write_attribute(hid_t object, const std::string& name, const std::string& value);
void write_attribute(hid_t object, const std::string& name, std::int64_t value);
std::string read_text_attribute(hid_t object, const std::string& name);
std::int64_t read_integer_attribute(hid_t object, const std::string& name);

void write_text(hid_t file, const std::string& name, const std::string& value);
std::string read_text(hid_t file, const std::string& name);

} // namespace peakbench::results
