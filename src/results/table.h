// One-dimensional compound tables, one column per field of a record's list.
#pragma once

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
template <class Record>
std::vector<Record> read_rows(hid_t file, const std::string& name);
// Drops all rows and writes these.
template <class Record>
void rewrite_rows(hid_t file, const std::string& name, std::span<const Record> rows);
// Are the columns those of the list, in number, name and kind?
template <class Record>
bool has_columns_of_list(hid_t file, const std::string& name);
// The first column of the list that the file has with another unit; "" if there is none.
template <class Record>
std::string column_of_another_unit(hid_t file, const std::string& name);

// Whether a column of the file can be read as a field of this kind (index of Field::get): texts
// only as texts. Anything else in HDF5's hands would be read as pointers.
bool is_kind(hid_t compound, unsigned column, std::size_t kind);

} // namespace peakbench::results
