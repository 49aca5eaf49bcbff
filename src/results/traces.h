// What a case leaves beside its row: /eab/traces/<case_id> and /ep/traces/<case_id>.
#pragma once

#include "results/hdf5.h"
#include "results/records.h"

namespace peakbench::results {

// The groups of traces, with `<dataset>.<column>.unit` and `.description` for every column of
// theirs: here once instead of in every trace.
void create_trace_groups(hid_t file);

// Replaces a trace of the same id. An empty one leaves nothing.
void write_trace(hid_t file, const std::string& case_id, const EabTrace& trace);
void write_trace(hid_t file, const std::string& case_id, const EpTrace& trace);

// False if there is none.
bool read_trace(hid_t file, const std::string& case_id, EabTrace& trace);
bool read_trace(hid_t file, const std::string& case_id, EpTrace& trace);

} // namespace peakbench::results
