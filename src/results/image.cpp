#include "results/image.h"

namespace peakbench::results {

namespace {

constexpr std::size_t kIncrement = 256 * 1024;
constexpr const char* kName = "image"; // of no file

Handle in_memory() {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "H5Pcreate");
  check(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "H5Pset_fclose_degree");
  check(H5Pset_fapl_core(access, kIncrement, false), "H5Pset_fapl_core");
  return access;
}

} // namespace

Handle create_image() {
  const Handle access = in_memory();
  return {H5Fcreate(kName, H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose, "H5Fcreate"};
}

std::string bytes_of_image(hid_t image) {
  check(H5Fflush(image, H5F_SCOPE_LOCAL), "H5Fflush");
  const ssize_t size = check(H5Fget_file_image(image, nullptr, 0), "H5Fget_file_image");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  check(H5Fget_file_image(image, bytes.data(), bytes.size()), "H5Fget_file_image");
  return bytes;
}

Handle open_image(const std::string& bytes) {
  const Handle access = in_memory();
  check(H5Pset_file_image(access, const_cast<char*>(bytes.data()), bytes.size()),
        "H5Pset_file_image");
  return {H5Fopen(kName, H5F_ACC_RDONLY, access), H5Fclose, "H5Fopen"};
}

void copy_object(hid_t from, const std::string& name, hid_t to, const std::string& new_name) {
  check(H5Ocopy(from, name.c_str(), to, new_name.c_str(), H5P_DEFAULT, H5P_DEFAULT), "H5Ocopy");
}

} // namespace peakbench::results
