#include <gmock/gmock.h>

#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using namespace testing;

results::RunData analysed() {
  results::RunData run;
  run.ep = {ep_case("ep_autograd", 100, 1e-3, 9000000), ep_case("ep_fused", 100, 1e-3, 5000000)};
  for (EpCase& row : run.ep) {
    row.batch = 32;
    row.dtype = "float32";
    row.case_id = results::case_id_of(row);
  }
  const std::string id = run.ep[0].case_id;
  run.ep_components = {{id, "step", 1, 0.5, 9000000, 0},
                       {id, "settling", 2, 0.2, 8000000, 1500000},
                       {id, "energy", 62, 0.1, 7000000, 3000000},
                       {id, "contrast", 1, 0.05, 9000000, 3000000},
                       {"of another file", "settling", 7, 7, 7, 7}};
  run.ep_operations = {{id, "forward_module_no_grad", "peak", -1, 32768, -1},
                       {id, "forward_module_no_grad", "live", -1, 1280, -1},
                       {id, "forward_module_grad", "peak", -1, 1639680, -1},
                       {id, "forward_module_grad", "live", -1, 1280 + 99 * 16384, -1},
                       {id, "settling_step", "relu", 99, 1622016, 1622016},
                       {id, "settling_step", "addmm", 99, 6422528, 0}};
  return run;
}

TEST(EpProfileTables, ComponentsAreNetOfWhatTheyFound) {
  const auto tables = ep_profile_tables(analysed());
  const Table& table = table_with(tables, "components of a training step");
  ASSERT_EQ(table.rows.size(), 4u) << "ep_fused was not analysed, another file's rows not counted";
  EXPECT_EQ(cell(table, {"ep_autograd", "100", "settling"}, "peak"), "8.000");
  EXPECT_EQ(cell(table, {"ep_autograd", "100", "settling"}, "found live"), "1.500");
  EXPECT_EQ(cell(table, {"ep_autograd", "100", "settling"}, "of its own"), "6.500");
  EXPECT_EQ(cell(table, {"ep_autograd", "100", "settling"}, "times"), "2");
  EXPECT_EQ(cell(table, {"ep_autograd", "100", "energy"}, "time"), "100.0");
  EXPECT_EQ(cell(table, {"ep_autograd", "100", "energy"}, "share"), "20.0");
  EXPECT_EQ(table.rows.back()[2], "step") << "the whole comes last";
  EXPECT_TRUE(has_note(table, "Beyond weights and batch"));
  EXPECT_TRUE(has_note(table, "energy runs inside settling"));
}

TEST(EpProfileTables, ForwardPassesCountTheKeptActivations) {
  const auto tables = ep_profile_tables(analysed());
  const Table& table = table_with(tables, "forward pass");
  EXPECT_EQ(cell(table, {"100", "forward_module_grad"}, "beyond no_grad"), "1.622");
  EXPECT_EQ(cell(table, {"100", "forward_module_grad"}, "hidden activations"), "99");
  EXPECT_EQ(cell(table, {"100", "forward_module_no_grad"}, "hidden activations"), "0");
}

TEST(EpProfileTables, OperationsAndTheirSum) {
  const auto tables = ep_profile_tables(analysed());
  const Table& table = table_with(tables, "what operations keep");
  const std::vector<std::string> key{"ep_autograd", "100", "settling_step"};
  const auto of = [&](const char* operation, const char* column) {
    return cell(table, {key[0], key[1], key[2], operation}, column);
  };
  EXPECT_EQ(of("relu", "tensors"), "99");
  EXPECT_EQ(of("relu", "kept"), "1.622");
  EXPECT_EQ(of("addmm", "kept"), "0");
  EXPECT_EQ(of("all", "tensors"), "198");
  EXPECT_EQ(of("all", "saved"), "8.045");
}

TEST(EpProfileTables, NothingWithoutAnalysedCases) {
  results::RunData run = analysed();
  run.ep_components.clear();
  run.ep_operations.clear();
  EXPECT_TRUE(ep_profile_tables(run).empty());
  EXPECT_TRUE(ep_profile_tables({}).empty());
}

} // namespace
} // namespace peakbench::report
