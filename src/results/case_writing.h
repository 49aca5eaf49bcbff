// A case of any kind with all that belongs to it, into the tables of a file.
#pragma once

#include <cstddef>
#include <optional>

#include "results/hdf5.h"
#include "results/records.h"

namespace peakbench::results {

// Appends the row, or puts it in the place of the row of that number, an earlier try of the same
// case, whose repeats and trace go with it. `Row`: EabRow, EpRow, CommRow or ScalingRow.
template <class Row>
void write_case(hid_t file, const Row& row, const std::optional<std::size_t>& replaced);

} // namespace peakbench::results
