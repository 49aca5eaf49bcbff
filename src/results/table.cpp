// Rows are packed for HDF5 as one 8-byte slot per column: an integer, a real, or a pointer to a
// text.
#include "results/table.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "results/fields.h"
#include "results/text.h"

namespace peakbench::results {

namespace {

constexpr std::size_t kSlot = 8;
static_assert(sizeof(std::int64_t) == kSlot && sizeof(double) == kSlot && sizeof(char*) == kSlot);
constexpr hsize_t kRowsPerRead = 1024;

enum Kind : std::size_t { kInteger, kReal, kText }; // as in Field::get

// A column's type in memory or in the file.
Handle column_type(std::size_t kind, bool in_file) {
  if (kind == kText)
    return text_type();
  const hid_t real = in_file ? H5T_IEEE_F64LE : H5T_NATIVE_DOUBLE;
  const hid_t integer = in_file ? H5T_STD_I64LE : H5T_NATIVE_INT64;
  return {H5Tcopy(kind == kReal ? real : integer), H5Tclose, "H5Tcopy"};
}

template <class Record>
Handle row_type(bool in_file) {
  std::size_t size = 0;
  for (const auto& field : fields<Record>())
    size += in_file ? H5Tget_size(column_type(field.get.index(), true)) : kSlot;
  Handle type(H5Tcreate(H5T_COMPOUND, size), H5Tclose, "H5Tcreate");
  std::size_t offset = 0;
  for (const auto& field : fields<Record>()) {
    const Handle column = column_type(field.get.index(), in_file);
    check(H5Tinsert(type, std::string(field.name).c_str(), offset, column), "H5Tinsert");
    offset += in_file ? H5Tget_size(column) : kSlot;
  }
  return type;
}

Handle open_table(hid_t file, const std::string& name) {
  return {H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose, "H5Dopen"};
}

hsize_t row_count(hid_t dataset) {
  const Handle space(H5Dget_space(dataset), H5Sclose, "H5Dget_space");
  if (check(H5Sget_simple_extent_ndims(space), "H5Sget_simple_extent_ndims") != 1)
    throw Hdf5Error("a table is not one-dimensional");
  hsize_t count = 0;
  check(H5Sget_simple_extent_dims(space, &count, nullptr), "H5Sget_simple_extent_dims");
  return count;
}

// The rows [first, first + count) of a dataset, and as many in memory.
struct Selection {
  Selection(hid_t dataset, hsize_t first, hsize_t count)
      : file(H5Dget_space(dataset), H5Sclose, "H5Dget_space"),
        memory(H5Screate_simple(1, &count, nullptr), H5Sclose, "H5Screate_simple") {
    check(H5Sselect_hyperslab(file, H5S_SELECT_SET, &first, nullptr, &count, nullptr),
          "H5Sselect_hyperslab");
  }
  Handle file, memory;
};

template <class Record>
void write_rows(hid_t dataset, hsize_t first, std::span<const Record> rows) {
  if (rows.empty())
    return;
  const auto list = fields<Record>();
  std::vector<std::array<char, kSlot>> slots(rows.size() * list.size());
  std::vector<std::string> texts;
  texts.reserve(slots.size()); // pointers into it must stay
  std::size_t at = 0;
  for (const Record& row : rows) {
    for (const auto& field : list) {
      const Value value = value_of(field, row);
      char* slot = slots[at++].data();
      if (const auto* text = std::get_if<std::string>(&value)) {
        const char* pointer = texts.emplace_back(storable_text(*text)).c_str();
        std::memcpy(slot, &pointer, kSlot);
      } else if (const auto* real = std::get_if<double>(&value)) {
        std::memcpy(slot, real, kSlot);
      } else {
        std::memcpy(slot, &std::get<std::int64_t>(value), kSlot);
      }
    }
  }
  const Handle type = row_type<Record>(false);
  const Selection selection(dataset, first, rows.size());
  // Stored texts are of 16 bytes, whatever their length.
  const Handle transfer = transfer_properties(slots.size() * 2 * kSlot);
  check(H5Dwrite(dataset, type, selection.memory, selection.file, transfer, slots.data()),
        "H5Dwrite");
}

void resize(hid_t dataset, hsize_t rows) { check(H5Dset_extent(dataset, &rows), "H5Dset_extent"); }

// The columns of the list that the file has, as a memory type of the rows' slots.
template <class Record>
Handle known_columns(hid_t dataset, std::vector<bool>& known, std::size_t& stored_bytes) {
  const auto list = fields<Record>();
  const Handle stored(H5Dget_type(dataset), H5Tclose, "H5Dget_type");
  if (H5Tget_class(stored) != H5T_COMPOUND)
    throw Hdf5Error("a table has no columns");
  stored_bytes = H5Tget_size(stored);
  Handle type(H5Tcreate(H5T_COMPOUND, list.size() * kSlot), H5Tclose, "H5Tcreate");
  known.assign(list.size(), false);
  for (std::size_t index = 0; index < list.size(); ++index) {
    const std::string name(list[index].name);
    const int column = H5Tget_member_index(stored, name.c_str());
    H5Eclear2(H5E_DEFAULT);
    if (column < 0)
      continue;
    const std::size_t kind = list[index].get.index();
    if (!is_kind(stored, static_cast<unsigned>(column), kind))
      throw Hdf5Error("column " + name + " has another type");
    check(H5Tinsert(type, name.c_str(), index * kSlot, column_type(kind, false)), "H5Tinsert");
    known[index] = true;
  }
  return type;
}

} // namespace

void require_stored(hid_t dataset, hsize_t count, std::size_t element_bytes) {
  const Handle properties(H5Dget_create_plist(dataset), H5Pclose, "H5Dget_create_plist");
  // Deflate makes at most a thousandth of anything.
  const hsize_t most = check(H5Pget_nfilters(properties), "H5Pget_nfilters") > 0 ? 1100 : 1;
  if (count > H5Dget_storage_size(dataset) * most / std::max<std::size_t>(element_bytes, 1))
    throw Hdf5Error("a table has fewer rows than it says");
}

Handle transfer_properties(std::size_t bytes) {
  constexpr std::size_t kMost = 1 << 20; // HDF5's own
  Handle properties(H5Pcreate(H5P_DATASET_XFER), H5Pclose, "H5Pcreate");
  check(H5Pset_buffer(properties, std::clamp<std::size_t>(bytes, 4096, kMost), nullptr, nullptr),
        "H5Pset_buffer");
  return properties;
}

bool is_kind(hid_t compound, unsigned column, std::size_t kind) {
  const Handle type(H5Tget_member_type(compound, column), H5Tclose, "H5Tget_member_type");
  const H5T_class_t type_class = H5Tget_class(type);
  if (kind == kText)
    return type_class == H5T_STRING && check(H5Tis_variable_str(type), "H5Tis_variable_str") > 0;
  return type_class == (kind == kReal ? H5T_FLOAT : H5T_INTEGER) && has_plain_bits(type);
}

template <class Record>
void create_table(hid_t file, const std::string& name, std::size_t rows_per_chunk) {
  const hsize_t none = 0, unlimited = H5S_UNLIMITED, chunk = rows_per_chunk;
  const Handle space(H5Screate_simple(1, &none, &unlimited), H5Sclose, "H5Screate_simple");
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "H5Pcreate");
  check(H5Pset_chunk(properties, 1, &chunk), "H5Pset_chunk");
  const Handle type = row_type<Record>(true);
  const Handle dataset(
      H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose,
      "H5Dcreate");
  for (const auto& field : fields<Record>()) {
    const std::string column(field.name);
    write_attribute(dataset, column + ".unit", std::string(field.unit));
    write_attribute(dataset, column + ".description", description_of(field));
  }
}

template <class Record>
void append_rows(hid_t file, const std::string& name, std::span<const Record> rows) {
  const Handle dataset = open_table(file, name);
  const hsize_t count = row_count(dataset);
  resize(dataset, count + rows.size());
  write_rows(dataset, count, rows);
}

template <class Record>
void write_row(hid_t file, const std::string& name, std::size_t index, const Record& row) {
  const Handle dataset = open_table(file, name);
  write_rows(dataset, index, std::span<const Record>(&row, 1));
}

template <class Record>
void rewrite_rows(hid_t file, const std::string& name, std::span<const Record> rows) {
  const Handle dataset = open_table(file, name);
  resize(dataset, rows.size());
  write_rows(dataset, 0, rows);
}

namespace {

template <class Record>
Record unpacked(const std::array<char, kSlot>* slots, const std::vector<bool>& known) {
  const auto list = fields<Record>();
  Record record;
  for (std::size_t column = 0; column < list.size(); ++column) {
    if (!known[column])
      continue;
    const char* slot = slots[column].data();
    const auto store = [&]<class Type>(Type& (*get)(Record&)) {
      if constexpr (std::is_same_v<Type, std::string>) {
        const char* text = nullptr;
        std::memcpy(&text, slot, kSlot);
        get(record) = text ? text : "";
      } else {
        std::memcpy(&get(record), slot, kSlot);
      }
    };
    std::visit(store, list[column].get);
  }
  return record;
}

} // namespace

template <class Record>
void read_blocks(hid_t file, const std::string& name,
                 const std::function<void(std::vector<Record>)>& take) {
  const std::size_t columns = fields<Record>().size();
  const Handle dataset = open_table(file, name);
  const hsize_t count = row_count(dataset);
  if (count == 0)
    return;
  std::vector<bool> known;
  std::size_t stored_bytes = 0;
  const Handle type = known_columns<Record>(dataset, known, stored_bytes);
  require_stored(dataset, count, stored_bytes);
  std::vector<std::array<char, kSlot>> slots(std::min(count, kRowsPerRead) * columns);
  const Handle transfer =
      transfer_properties(slots.size() / columns * std::max(stored_bytes, columns * kSlot));
  for (hsize_t first = 0; first < count; first += kRowsPerRead) {
    const hsize_t block = std::min(kRowsPerRead, count - first);
    const Selection selection(dataset, first, block);
    std::memset(slots.data(), 0, slots.size() * kSlot);
    const Texts texts{type, selection.memory, slots.data()};
    check(H5Dread(dataset, type, selection.memory, selection.file, transfer, slots.data()),
          "H5Dread");
    std::vector<Record> records;
    records.reserve(block);
    for (std::size_t row = 0; row < block; ++row)
      records.push_back(unpacked<Record>(slots.data() + row * columns, known));
    take(std::move(records));
  }
}

template <class Record>
std::vector<Record> read_rows(hid_t file, const std::string& name) {
  std::vector<Record> all;
  read_blocks<Record>(file, name, [&](std::vector<Record> block) {
    if (all.empty())
      all = std::move(block);
    else
      all.insert(all.end(), std::make_move_iterator(block.begin()),
                 std::make_move_iterator(block.end()));
  });
  return all;
}

namespace {

// Is the column to the last bit what row_type() makes? HDF5 crashes on numbers of odd bits.
bool is_written_as(hid_t compound, unsigned column, std::size_t kind, std::size_t offset) {
  const Handle type(H5Tget_member_type(compound, column), H5Tclose, "H5Tget_member_type");
  const Handle wanted = column_type(kind, true);
  if (H5Tget_member_offset(compound, column) != offset || !is_kind(compound, column, kind) ||
      H5Tget_size(type) != H5Tget_size(wanted))
    return false;
  // Texts of a file and of memory are never equal to HDF5.
  return kind == kText ? H5Tget_cset(type) == H5T_CSET_UTF8 : H5Tequal(type, wanted) > 0;
}

} // namespace

template <class Record>
bool has_columns_of_list(hid_t file, const std::string& name) {
  const auto list = fields<Record>();
  const Handle dataset = open_table(file, name);
  const Handle stored(H5Dget_type(dataset), H5Tclose, "H5Dget_type");
  if (H5Tget_class(stored) != H5T_COMPOUND)
    return false;
  if (H5Tget_nmembers(stored) != static_cast<int>(list.size()))
    return false;
  std::size_t offset = 0;
  for (unsigned index = 0; index < list.size(); ++index) {
    char* member = H5Tget_member_name(stored, index);
    const bool same = member && list[index].name == member;
    H5free_memory(member);
    if (!same || !is_written_as(stored, index, list[index].get.index(), offset))
      return false;
    offset += H5Tget_size(column_type(list[index].get.index(), true));
  }
  return H5Tget_size(stored) == offset;
}

template <class Record>
std::string column_of_another_unit(hid_t file, const std::string& name) {
  const Handle dataset = open_table(file, name);
  for (const auto& field : fields<Record>()) {
    const std::string column(field.name), attribute = column + ".unit";
    if (check(H5Aexists(dataset, attribute.c_str()), "H5Aexists") > 0 &&
        read_text_attribute(dataset, attribute) != field.unit)
      return column;
  }
  return "";
}

// The records that have tables.
#define PEAKBENCH_TABLE_OF(Record)                                                                 \
  template void create_table<Record>(hid_t, const std::string&, std::size_t);                      \
  template void append_rows(hid_t, const std::string&, std::span<const Record>);                   \
  template void write_row(hid_t, const std::string&, std::size_t, const Record&);                  \
  template void rewrite_rows(hid_t, const std::string&, std::span<const Record>);                  \
  template std::vector<Record> read_rows(hid_t, const std::string&);                               \
  template void read_blocks(hid_t, const std::string&,                                             \
                            const std::function<void(std::vector<Record>)>&);                      \
  template bool has_columns_of_list<Record>(hid_t, const std::string&);                            \
  template std::string column_of_another_unit<Record>(hid_t, const std::string&);
PEAKBENCH_TABLE_OF(EabCase)
PEAKBENCH_TABLE_OF(EpCase)
PEAKBENCH_TABLE_OF(RepeatRow)
PEAKBENCH_TABLE_OF(EpComponentRow)
PEAKBENCH_TABLE_OF(EpOperationRow)
PEAKBENCH_TABLE_OF(EpTrainingRow)
PEAKBENCH_TABLE_OF(EnvironmentRow)
PEAKBENCH_TABLE_OF(CommCase)
PEAKBENCH_TABLE_OF(ScalingCase)
PEAKBENCH_TABLE_OF(RankRow)
PEAKBENCH_TABLE_OF(SourceRow)
#undef PEAKBENCH_TABLE_OF

} // namespace peakbench::results
