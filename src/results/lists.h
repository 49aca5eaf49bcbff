// One-dimensional datasets, written whole and read whole: what a trace consists of.
#pragma once

#include <cstddef>
#include <span>

#include "results/hdf5.h"

namespace peakbench::results {

struct ColumnText {
  const char *name, *unit, *description;
};
// As attributes `<name>.unit` and `<name>.description`.
void describe(hid_t group, std::span<const ColumnText> columns);

// Compressed, if it can be and is large.
void write_list(hid_t group, const char* name, hid_t file_type, hid_t memory_type, const void* data,
                hsize_t count, bool compressible);

// The dataset and the number of its elements.
struct List {
  List(hid_t group, const char* name);
  // For reading into elements of so many bytes.
  Handle transfer(std::size_t memory_bytes) const;
  Handle dataset;
  std::size_t count = 0, element_bytes = 0;
};

// A member of a compound type.
void insert(hid_t type, const char* name, std::size_t offset, hid_t column);
// The same members without gaps.
Handle packed(hid_t type);

} // namespace peakbench::results
