// Stable hashes (xxHash, XXH3): case ids, plan hashes, random keys. Equal on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace peakbench {

std::uint64_t hash64(std::string_view bytes);
// 16 hexadecimal digits of hash64.
std::string hash_hex(std::string_view bytes);

} // namespace peakbench
