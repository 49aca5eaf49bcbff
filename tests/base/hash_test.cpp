#include "base/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace peakbench {

// XXH3_64bits of these bytes (xxhsum -H3): case ids of old result files must not change.
TEST(Hash, IsTheSameOnEveryMachine) {
  EXPECT_EQ(hash_hex(""), "2d06800538d394c2");
  EXPECT_EQ(hash_hex("a"), "e6c632b61e964e1f");
  EXPECT_EQ(hash_hex("abc"), "78af5f94892f3950");
}

TEST(Hash, HexHasAllDigitsOfTheNumber) {
  EXPECT_EQ(hash64("abc"), 0x78af5f94892f3950u);
  EXPECT_EQ(hash_hex("peakbench").size(), 16u);
}

TEST(Hash, SeesEveryByte) {
  const std::string zeros(5, '\0');
  EXPECT_NE(hash64(zeros), hash64(std::string(4, '\0')));
  EXPECT_NE(hash_hex("a"), hash_hex("b"));
}

} // namespace peakbench
