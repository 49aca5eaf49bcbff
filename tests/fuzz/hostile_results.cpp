#include "hostile_results.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "fuzz.h"
#include "results/examples.h"
#include "results/hdf5.h"

namespace peakbench::fuzz {

namespace {

using namespace results;
using Choices = FuzzedDataProvider;

constexpr const char* kTables[] = {
    "/environment",
    "/eab/cases",
    "/ep/cases",
    "/comm/cases",
    "/scaling/cases",
    "/eab/samples",
    "/ep/samples",
    "/comm/samples",
    "/scaling/samples",
    "/ep/components",
    "/ep/training",
    "/ranks",
    "/ep/operations",
    "/sources",
    "/config/yaml",
    "/config/plan",
    "/config",
    "/eab",
    "/ep",
    "/comm",
    "/eab/traces",
    "/eab/traces/eab1",
    "/ep/traces",
    "/ep/traces/ep1",
    "/",
};
constexpr const char* kTraceParts[] = {
    "/eab/traces/eab1/prompt_tokens", "/eab/traces/eab1/prompt_lengths",   "/eab/traces/eab1/nodes",
    "/eab/traces/eab1/samples",       "/eab/traces/eab1/tokens",           "/ep/traces/ep1/energy",
    "/ep/traces/ep1/gradient_norm",   "/ep/traces/ep1/cosine_to_backprop",
};
constexpr const char* kAttributes[] = {
    "schema_version", "name",         "created",   "command_line",
    "plan_hash",      "git_revision", "git_dirty", "peakbench_version"};

std::string any_object(Choices& choices) {
  return choices.ConsumeBool() ? choices.PickValueInArray(kTables)
                               : choices.PickValueInArray(kTraceParts);
}

// A type of any class; compounds of up to three levels.
Handle any_type(Choices& choices, int depth) {
  const auto copy = [](hid_t type) { return Handle(H5Tcopy(type), H5Tclose, "H5Tcopy"); };
  switch (choices.ConsumeIntegralInRange(0, depth < 3 ? 10 : 7)) {
  case 0:
    return copy(H5T_STD_I64LE);
  case 1:
    return copy(H5T_STD_U8BE);
  case 2:
    return copy(H5T_IEEE_F32LE);
  case 3:
    return copy(H5T_IEEE_F64BE);
  case 4:
    return text_type();
  case 5: {
    Handle text = copy(H5T_C_S1);
    check(H5Tset_size(text, choices.ConsumeIntegralInRange<std::size_t>(1, 40)), "H5Tset_size");
    return text;
  }
  case 6:
    return truth_type();
  case 7:
    return Handle(H5Tcreate(H5T_OPAQUE, choices.ConsumeIntegralInRange<std::size_t>(1, 16)),
                  H5Tclose, "H5Tcreate");
  case 8: {
    const hsize_t extent = choices.ConsumeIntegralInRange<hsize_t>(1, 5);
    const Handle element = any_type(choices, depth + 1);
    return Handle(H5Tarray_create2(element, 1, &extent), H5Tclose, "H5Tarray_create");
  }
  case 9: {
    const Handle element = any_type(choices, depth + 1);
    return Handle(H5Tvlen_create(element), H5Tclose, "H5Tvlen_create");
  }
  default:
    break;
  }
  const int columns = choices.ConsumeIntegralInRange(1, 6);
  std::vector<Handle> types;
  std::size_t bytes = 0;
  for (int column = 0; column < columns; ++column) {
    types.push_back(any_type(choices, depth + 1));
    bytes += H5Tget_size(types.back());
  }
  Handle compound(H5Tcreate(H5T_COMPOUND, bytes), H5Tclose, "H5Tcreate");
  constexpr const char* kNames[] = {"case_id", "status", "repeat", "seconds", "node",  "parent",
                                    "token",   "text",   "leaf",   "rank",    "depth", "x"};
  std::size_t offset = 0;
  for (const Handle& type : types) {
    H5Tinsert(compound, choices.PickValueInArray(kNames), offset, type); // a name twice: refused
    offset += H5Tget_size(type);
  }
  return compound;
}

Handle any_space(Choices& choices, bool extents) {
  switch (choices.ConsumeIntegralInRange(0, 3)) {
  case 0:
    return Handle(H5Screate(H5S_SCALAR), H5Sclose, "H5Screate");
  case 1:
    return Handle(H5Screate(H5S_NULL), H5Sclose, "H5Screate");
  default:
    break;
  }
  hsize_t extent[3];
  const int rank = choices.ConsumeIntegralInRange(1, 3);
  for (int dimension = 0; dimension < rank; ++dimension)
    extent[dimension] = choices.ConsumeIntegralInRange<hsize_t>(0, !extents    ? 4
                                                                   : rank == 1 ? 3000
                                                                               : 20);
  return Handle(H5Screate_simple(rank, extent, nullptr), H5Sclose, "H5Screate_simple");
}

// Numbers and texts of any bytes; types with pointers in other places stay unwritten.
void write_something(Choices& choices, hid_t dataset, hid_t type, hid_t space) {
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (count <= 0 || count > 300)
    return;
  if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0) {
    const std::string text = choices.ConsumeRandomLengthString(40);
    const std::vector<const char*> texts(static_cast<std::size_t>(count), text.c_str());
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data());
  } else if (H5Tdetect_class(type, H5T_VLEN) == 0 && H5Tdetect_class(type, H5T_STRING) == 0) {
    std::vector<std::uint8_t> bytes = choices.ConsumeBytes<std::uint8_t>(64);
    bytes.resize(static_cast<std::size_t>(count) * H5Tget_size(type), 0xA5);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
  }
}

void replace_object(hid_t file, Choices& choices) {
  const std::string name = any_object(choices);
  H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  const Handle type = any_type(choices, 0);
  const Handle space = any_space(choices, true);
  const Handle dataset(
      H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose,
      "H5Dcreate");
  write_something(choices, dataset, type, space);
}

void replace_attribute(hid_t file, Choices& choices) {
  const Handle object(H5Oopen(file, any_object(choices).c_str(), H5P_DEFAULT), H5Oclose, "H5Oopen");
  constexpr const char* kColumns[] = {"case_id.unit", "seconds.unit", "status.description"};
  const bool of_file = choices.ConsumeBool();
  const hid_t holder = of_file ? file : static_cast<hid_t>(object);
  const std::string name =
      of_file ? choices.PickValueInArray(kAttributes) : choices.PickValueInArray(kColumns);
  H5Adelete(holder, name.c_str());
  if (choices.ConsumeBool())
    return;
  const Handle type = any_type(choices, 1);
  const Handle space = any_space(choices, false);
  const Handle attribute(H5Acreate2(holder, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose, "H5Acreate");
  if (H5Tdetect_class(type, H5T_VLEN) == 0 && H5Tdetect_class(type, H5T_STRING) == 0) {
    std::vector<std::uint8_t> bytes = choices.ConsumeBytes<std::uint8_t>(64);
    bytes.resize(64 * H5Tget_size(type));
    H5Awrite(attribute, type, bytes.data());
  }
}

void replace_link(hid_t file, Choices& choices) {
  const std::string name = any_object(choices), target = any_object(choices);
  H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  switch (choices.ConsumeIntegralInRange(0, 4)) {
  case 0: // to itself, or nowhere
    H5Lcreate_soft(name.c_str(), file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    break;
  case 1:
    H5Lcreate_soft(target.c_str(), file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    break;
  case 2:
    H5Lcreate_hard(file, target.c_str(), file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    break;
  case 3:
    H5Lcreate_external("/dev/null", target.c_str(), file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    break;
  default:
    make_group(file, name);
  }
}

void change_extent(hid_t file, Choices& choices) {
  const Handle dataset(H5Dopen2(file, any_object(choices).c_str(), H5P_DEFAULT), H5Dclose,
                       "H5Dopen");
  const hsize_t extent = choices.ConsumeIntegralInRange<hsize_t>(0, 3000);
  H5Dset_extent(dataset, &extent);
}

// A row of numbers and texts that no run would have written.
void change_rows(hid_t file, Choices& choices) {
  const Handle dataset(H5Dopen2(file, any_object(choices).c_str(), H5P_DEFAULT), H5Dclose,
                       "H5Dopen");
  const Handle type(H5Dget_type(dataset), H5Tclose, "H5Dget_type");
  const Handle space(H5Dget_space(dataset), H5Sclose, "H5Dget_space");
  if (H5Tget_class(type) != H5T_COMPOUND || H5Tget_nmembers(type) < 1)
    return write_something(choices, dataset, type, space);
  const auto column =
      choices.ConsumeIntegralInRange<unsigned>(0, static_cast<unsigned>(H5Tget_nmembers(type)) - 1);
  const Handle member(H5Tget_member_type(type, column), H5Tclose, "H5Tget_member_type");
  char* name = H5Tget_member_name(type, column);
  const Handle one(H5Tcreate(H5T_COMPOUND, H5Tget_size(member)), H5Tclose, "H5Tcreate");
  H5Tinsert(one, name, 0, member);
  H5free_memory(name);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (count <= 0 || count > 300)
    return;
  if (H5Tget_class(member) == H5T_STRING && H5Tis_variable_str(member) > 0) {
    const std::string text = choices.ConsumeRandomLengthString(40);
    const std::vector<const char*> texts(static_cast<std::size_t>(count), text.c_str());
    H5Dwrite(dataset, one, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data());
  } else if (H5Tdetect_class(member, H5T_VLEN) == 0 && H5Tdetect_class(member, H5T_STRING) == 0) {
    std::vector<std::uint8_t> bytes = choices.ConsumeBytes<std::uint8_t>(16);
    bytes.resize(static_cast<std::size_t>(count) * H5Tget_size(member), 0x7F);
    H5Dwrite(dataset, one, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
  }
}

template <class Record>
std::vector<Record> rows(int count) {
  std::vector<Record> all;
  for (int row = 0; row < count; ++row)
    all.push_back(results::testing::filled<Record>(row));
  return all;
}

} // namespace

const std::string& good_results() {
  static const std::string bytes = [] {
    const std::string path = folder().path() + "/good.h5";
    {
      Store store = Store::create(path, results::testing::example_info());
      store.write_environment(rows<EnvironmentRow>(2));
      for (const int number : {1, 2}) {
        store.append(results::testing::eab_example(number));
        store.append(results::testing::ep_example(number));
        store.append(CommRow{results::testing::filled<CommCase>(number), {}});
        store.append(ScalingRow{results::testing::filled<ScalingCase>(number), {}});
      }
      store.write_ranks(rows<RankRow>(2));
    }
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    std::filesystem::remove(path);
    if (text.str().empty())
      std::abort();
    return text.str();
  }();
  return bytes;
}

void change_results(const std::string& path, FuzzedDataProvider& choices, int most) {
  const QuietErrors quiet;
  const Handle file = open_file(path, true);
  for (int change = 0; change < most && choices.remaining_bytes() > 0; ++change)
    try {
      switch (choices.ConsumeIntegralInRange(0, 5)) {
      case 0:
        H5Ldelete(file, any_object(choices).c_str(), H5P_DEFAULT);
        break;
      case 1:
        replace_object(file, choices);
        break;
      case 2:
        replace_attribute(file, choices);
        break;
      case 3:
        replace_link(file, choices);
        break;
      case 4:
        change_extent(file, choices);
        break;
      default:
        change_rows(file, choices);
      }
    } catch (const Hdf5Error&) {
      // Not every change can be made after the ones before.
    }
}

} // namespace peakbench::fuzz
