#include "results/lists.h"

#include <algorithm>

#include "results/table.h"

namespace peakbench::results {

namespace {

// Lists below this stay contiguous: a chunk index and a filter would cost more than they save.
constexpr std::size_t kCompressFromBytes = 16 * 1024;
constexpr hsize_t kElementsPerChunk = 32 * 1024;

} // namespace

void describe(hid_t group, std::span<const ColumnText> columns) {
  for (const ColumnText& column : columns) {
    write_attribute(group, std::string(column.name) + ".unit", std::string(column.unit));
    write_attribute(group, std::string(column.name) + ".description",
                    std::string(column.description));
  }
}

void write_list(hid_t group, const char* name, hid_t file_type, hid_t memory_type, const void* data,
                hsize_t count, bool compressible) {
  const Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose, "H5Screate_simple");
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "H5Pcreate");
  const bool large = count * H5Tget_size(file_type) >= kCompressFromBytes;
  if (compressible && large && H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0) {
    const hsize_t chunk = std::min(count, kElementsPerChunk);
    check(H5Pset_chunk(properties, 1, &chunk), "H5Pset_chunk");
    check(H5Pset_shuffle(properties), "H5Pset_shuffle");
    check(H5Pset_deflate(properties, 4), "H5Pset_deflate");
  }
  const Handle dataset(
      H5Dcreate2(group, name, file_type, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose,
      "H5Dcreate");
  if (count > 0)
    check(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "H5Dwrite");
}

List::List(hid_t group, const char* name)
    : dataset(H5Dopen2(group, name, H5P_DEFAULT), H5Dclose, "H5Dopen") {
  const Handle space(H5Dget_space(dataset), H5Sclose, "H5Dget_space");
  const hssize_t points =
      check(H5Sget_simple_extent_npoints(space), "H5Sget_simple_extent_npoints");
  count = static_cast<std::size_t>(points);
  const Handle type(H5Dget_type(dataset), H5Tclose, "H5Dget_type");
  element_bytes = H5Tget_size(type);
  require_stored(dataset, static_cast<hsize_t>(points), element_bytes);
}

Handle List::transfer(std::size_t memory_bytes) const {
  return transfer_properties(count * std::max(element_bytes, memory_bytes));
}

void insert(hid_t type, const char* name, std::size_t offset, hid_t column) {
  check(H5Tinsert(type, name, offset, column), "H5Tinsert");
}

Handle packed(hid_t type) {
  Handle copy(H5Tcopy(type), H5Tclose, "H5Tcopy");
  check(H5Tpack(copy), "H5Tpack");
  return copy;
}

} // namespace peakbench::results
