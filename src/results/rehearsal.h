// What going on with a results file may write, tried out on a copy of it.
#pragma once

#include <functional>
#include <string>

namespace peakbench::results {

// Every kind of change that a Store makes, at least once: a case of each kind appended, the rows
// and traces of cases that are not ok put in again. `alive` is called now and then. The file is not
// one to keep afterwards. Hdf5Error where the file is damaged.
void rehearse(const std::string& copy, const std::function<void()>& alive);

} // namespace peakbench::results
