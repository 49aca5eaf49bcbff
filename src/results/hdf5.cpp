#include "results/hdf5.h"
#include "results/text.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace peakbench::results {

QuietErrors::QuietErrors() {
  H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

QuietErrors::~QuietErrors() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }

namespace {

// "file write failed: time = ..., error message = 'No space left on device', buf = ...": of this
// the reader wants the message.
std::string in_short(const std::string& cause) {
  constexpr std::string_view kMark = "error message = '";
  const std::size_t start = cause.find(kMark);
  if (start == std::string::npos)
    return cause;
  const std::string message = cause.substr(start + kMark.size());
  return cause.substr(0, cause.find(':')) + ": " + message.substr(0, message.find('\''));
}

} // namespace

void start_hdf5() {
  H5dont_atexit();
  check(H5open(), "H5open");
}

void throw_hdf5_error(const char* call) {
  // The innermost description is the cause ("truncated file: ..."), the outer ones repeat the call.
  std::string cause;
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned depth, const H5E_error2_t* error, void* text) -> herr_t {
        if (depth == 0 && error->desc)
          *static_cast<std::string*>(text) = error->desc;
        return 0;
      },
      &cause);
  H5Eclear2(H5E_DEFAULT);
  throw Hdf5Error(std::string(call) + (cause.empty() ? " failed" : ": " + in_short(cause)));
}

namespace {

Handle access_properties() {
  Handle properties(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "H5Pcreate");
  check(H5Pset_fclose_degree(properties, H5F_CLOSE_STRONG), "H5Pset_fclose_degree");
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
  check(H5Pset_file_locking(properties, false, true), "H5Pset_file_locking");
#endif
  return properties;
}

} // namespace

Handle open_file(const std::string& path, bool writable) {
  const Handle access = access_properties();
  return {H5Fopen(path.c_str(), writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access), H5Fclose,
          "H5Fopen"};
}

Handle create_file(const std::string& path) {
  const Handle access = access_properties();
  return {H5Fcreate(path.c_str(), H5F_ACC_EXCL, H5P_DEFAULT, access), H5Fclose, "H5Fcreate"};
}

void flush_to_disk(hid_t file) {
  check(H5Fflush(file, H5F_SCOPE_LOCAL), "H5Fflush");
  void* descriptor = nullptr;
  check(H5Fget_vfd_handle(file, H5P_DEFAULT, &descriptor), "H5Fget_vfd_handle");
  if (fdatasync(*static_cast<int*>(descriptor)) != 0 && errno != EINVAL)
    throw Hdf5Error(std::string("fdatasync: ") + std::strerror(errno));
}

Handle make_group(hid_t file, const std::string& name) {
  return {H5Gcreate2(file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose,
          "H5Gcreate"};
}

bool has_link(hid_t file, const std::string& name) {
  return check(H5Lexists(file, name.c_str(), H5P_DEFAULT), "H5Lexists") > 0;
}

bool has_plain_bits(hid_t type) {
  const std::size_t size = H5Tget_size(type);
  return size <= 8 && H5Tget_precision(type) == 8 * size && H5Tget_offset(type) == 0;
}

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "H5Tcopy");
  check(H5Tset_size(type, H5T_VARIABLE), "H5Tset_size");
  check(H5Tset_cset(type, H5T_CSET_UTF8), "H5Tset_cset");
  return type;
}

Handle truth_type() {
  Handle type(H5Tenum_create(H5T_STD_I8LE), H5Tclose, "H5Tenum_create");
  const std::int8_t no = 0, yes = 1;
  check(H5Tenum_insert(type, "FALSE", &no), "H5Tenum_insert");
  check(H5Tenum_insert(type, "TRUE", &yes), "H5Tenum_insert");
  return type;
}

namespace {

void write_attribute(hid_t object, const std::string& name, hid_t file_type, hid_t memory_type,
                     const void* value) {
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, "H5Screate");
  const Handle attribute(
      H5Acreate2(object, name.c_str(), file_type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
      "H5Acreate");
  check(H5Awrite(attribute, memory_type, value), "H5Awrite");
}

// The pointer that HDF5 allocated for a scalar text, as a string.
std::string taken(char* text) {
  std::string result = text ? text : "";
  H5free_memory(text);
  return result;
}

// A file of someone else may hold a text of fixed length, which must not be read as a pointer.
void require_variable_text(hid_t type) {
  if (check(H5Tis_variable_str(type), "H5Tis_variable_str") == 0)
    throw Hdf5Error("a text is not stored with variable length");
}

// Converting numbers with bits outside of their bytes, HDF5 writes outside of its buffers.
void require_plain_integer(hid_t type) {
  if (H5Tget_class(type) != H5T_INTEGER || !has_plain_bits(type))
    throw Hdf5Error("a whole number is stored as something else");
}

void require_scalar(hid_t space) {
  if (check(H5Sget_simple_extent_npoints(space), "H5Sget_simple_extent_npoints") != 1)
    throw Hdf5Error("a single value is stored as a list");
}

} // namespace

void write_attribute(hid_t object, const std::string& name, const std::string& value) {
  const Handle type = text_type();
  const std::string stored = storable_text(value);
  const char* pointer = stored.c_str();
  write_attribute(object, name, type, type, &pointer);
}

void write_attribute(hid_t object, const std::string& name, std::int64_t value) {
  write_attribute(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

std::string read_text_attribute(hid_t object, const std::string& name) {
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "H5Aopen");
  require_variable_text(Handle(H5Aget_type(attribute), H5Tclose, "H5Aget_type"));
  require_scalar(Handle(H5Aget_space(attribute), H5Sclose, "H5Aget_space"));
  const Handle type = text_type();
  char* text = nullptr;
  check(H5Aread(attribute, type, &text), "H5Aread");
  return taken(text);
}

std::int64_t read_integer_attribute(hid_t object, const std::string& name) {
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "H5Aopen");
  require_plain_integer(Handle(H5Aget_type(attribute), H5Tclose, "H5Aget_type"));
  require_scalar(Handle(H5Aget_space(attribute), H5Sclose, "H5Aget_space"));
  std::int64_t value = 0;
  check(H5Aread(attribute, H5T_NATIVE_INT64, &value), "H5Aread");
  return value;
}

void write_text(hid_t file, const std::string& name, const std::string& value) {
  const Handle type = text_type();
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, "H5Screate");
  const Handle dataset(
      H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose,
      "H5Dcreate");
  const std::string stored = storable_text(value);
  const char* pointer = stored.c_str();
  check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &pointer), "H5Dwrite");
}

std::string read_text(hid_t file, const std::string& name) {
  const Handle dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose, "H5Dopen");
  require_variable_text(Handle(H5Dget_type(dataset), H5Tclose, "H5Dget_type"));
  require_scalar(Handle(H5Dget_space(dataset), H5Sclose, "H5Dget_space"));
  const Handle type = text_type();
  char* text = nullptr;
  check(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &text), "H5Dread");
  return taken(text);
}

} // namespace peakbench::results
