// Changes to a good results file that somebody else's program, or a hand, could make: links,
// attributes, tables and columns that are missing, or are of another type, class, size or shape.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <string>

namespace peakbench::fuzz {

// The bytes of a results file with rows in every table and traces of two cases.
const std::string& good_results();

// Opens the file and makes up to `most` changes, which `choices` decides.
void change_results(const std::string& path, FuzzedDataProvider& choices, int most);

} // namespace peakbench::fuzz
