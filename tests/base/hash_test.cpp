#include "base/hash.h"

#include <gtest/gtest.h>

namespace peakbench {

TEST(Hash, IsTheSameOnEveryMachine) {
  // XXH3_64bits of these bytes, from the xxhsum program (xxh64sum -H3).
  EXPECT_EQ(hash_hex(""), "2d06800538d394c2");
  EXPECT_NE(hash_hex("a"), hash_hex("b"));
  EXPECT_EQ(hash_hex("peakbench").size(), 16u);
}

}  // namespace peakbench
