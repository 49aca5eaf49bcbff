// IDX, the format of MNIST and its kin: two zero bytes, the type, the number of dimensions, each
// size as four bytes (big-endian), then the values. As it is or packed by gzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace peakbench::ep {

struct IdxArray {
  std::filesystem::path path; // where it was read, for messages
  std::vector<std::int64_t> sizes;
  std::vector<std::uint8_t> values;
};

// FOLDER/NAME, or FOLDER/NAME.gz where that is not there. UserError with file and offset for what
// is not an IDX file of unsigned bytes with so many dimensions, or is shorter or longer than its
// header says.
IdxArray read_idx(const std::filesystem::path& folder, const std::string& name,
                  std::size_t dimensions);

} // namespace peakbench::ep
