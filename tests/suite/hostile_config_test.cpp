// Configurations that ask for more than they are worth. Each of these brought the reader down
// before it was bounded; the harmless twin beside each still loads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "suite/config.h"

namespace peakbench::suite {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    parse_config(text, "c.yaml", overrides);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(HostileConfig, AliasesOfAliases) {
  EXPECT_EQ(error_of("eab: &a {max_paths: &m [4, 5]}\nep: {steps: *m}\n"), "");
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 60; ++i) {
    const std::string now = std::to_string(i), before = std::to_string(i - 1);
    bomb += "a" + now + ": &a" + now + " [*a" + before + ", *a" + before + "]\n";
  }
  EXPECT_THAT(error_of(bomb), HasSubstr("far longer than it is"));
}

TEST(HostileConfig, AnAliasOfTheListAroundIt) {
  EXPECT_THAT(error_of("a: &a [*a]\n"), HasSubstr("nested too deeply"));
  EXPECT_THAT(error_of("&a {b: *a}\n"), HasSubstr("nested too deeply"));
}

TEST(HostileConfig, Depth) {
  for (const int depth : {200, 100000})
    EXPECT_NE(error_of("a: " + std::string(static_cast<std::size_t>(depth), '[')), "");
  EXPECT_THAT(error_of("a: " + std::string(300, '[') + std::string(300, ']')),
              HasSubstr("nested too deeply"));
  std::string path = "a";
  for (int i = 0; i < 100000; ++i)
    path += ".a";
  EXPECT_THAT(error_of("eab:\n", {path + "=1"}), HasSubstr("nested too deeply"));
}

TEST(HostileConfig, NamesThatNoFileSystemTakes) {
  const std::string name(5000, 'x');
  EXPECT_EQ(resolve(name, "c.yaml"), name);
  EXPECT_EQ(resolve("/" + name, "c.yaml"), "/" + name);
}

// Comparing each value with each would take minutes.
TEST(HostileConfig, ManyKeysAndLongAxes) {
  std::string keys, values = "eab: {seed: 1}\nseed: [0";
  for (int i = 1; i < 100000; ++i) {
    keys += "k" + std::to_string(i) + ": 1\n";
    values += ", " + std::to_string(i);
  }
  EXPECT_THAT(error_of(keys), HasSubstr("unknown key"));
  EXPECT_THAT(error_of(values + ", 7]\n"), HasSubstr("`seed` has `7` twice"));
}

} // namespace
} // namespace peakbench::suite
