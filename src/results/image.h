// HDF5 files in memory: how traces go from one process to another, or into another file, whatever
// they consist of.
#pragma once

#include <string>

#include "results/hdf5.h"

namespace peakbench::results {

Handle create_image();
std::string bytes_of_image(hid_t image);
Handle open_image(const std::string& bytes); // a copy of its own, for reading

void copy_object(hid_t from, const std::string& name, hid_t to, const std::string& new_name);

} // namespace peakbench::results
