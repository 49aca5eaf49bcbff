// One-dimensional compound tables, one column per field of a record's list.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "results/hdf5.h"

namespace peakbench::results {

// An empty extensible table with the attributes `<column>.unit` and `<column>.description`.
template <class Record>
void create_table(hid_t file, const std::string& name, std::size_t rows_per_chunk);
template <class Record>
void append_rows(hid_t file, const std::string& name, std::span<const Record> rows);
template <class Record>
void write_row(hid_t file, const std::string& name, std::size_t index, const Record& row);
// Everything, or columns that the list does not know are ignored and missing ones stay absent.
// Hdf5Error where the table claims more rows than its bytes can hold.
template <class Record>
std::vector<Record> read_rows(hid_t file, const std::string& name);
// The same, some thousand at a time.
template <class Record>
void read_blocks(hid_t file, const std::string& name,
                 const std::function<void(std::vector<Record>)>& take);
// Drops all rows and writes these.
template <class Record>
void rewrite_rows(hid_t file, const std::string& name, std::span<const Record> rows);
// Are the columns those that create_table() makes, in number, name and type?
template <class Record>
bool has_columns_of_list(hid_t file, const std::string& name);
// The first column of the list that the file has with another unit; "" if there is none.
template <class Record>
std::string column_of_another_unit(hid_t file, const std::string& name);

// Hdf5Error if a dataset claims more elements than its bytes in the file can hold: a damaged file
// would else make us ask for all the memory there is.
void require_stored(hid_t dataset, hsize_t count, std::size_t element_bytes);
// HDF5 allocated the texts among what it read: they are given back, whatever happens.
struct Texts {
  hid_t type, space;
  void* elements;
  ~Texts() { H5Dvlen_reclaim(type, space, H5P_DEFAULT, elements); }
};
// How HDF5 is to convert so many bytes: by default it clears a megabyte for the smallest read.
Handle transfer_properties(std::size_t bytes);

// Whether a column of the file can be read as a field of this kind (index of Field::get): texts
// only as texts. Anything else in HDF5's hands would be read as pointers.
bool is_kind(hid_t compound, unsigned column, std::size_t kind);

} // namespace peakbench::results
