// Looking at other processes, through /proc.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace peakbench::testing {

// Children that have not been waited for, those that have ended among them.
std::vector<pid_t> children_of(pid_t parent);
// All of its descendants whose program's arguments contain `word`.
std::vector<pid_t> descendants_of(pid_t ancestor, const std::string& word);
// Those that work in the folder and whose arguments contain `word`, whoever has started them.
std::vector<pid_t> processes_in(const std::string& folder, const std::string& word);
// Neither gone nor waiting to be waited for.
bool is_alive(pid_t process);
// 'R', 'S', 'T' (stopped), 'Z'...; ' ' if there is no such process.
char state_of(pid_t process);
// Of all its threads, so far.
double processor_seconds(pid_t process);
// Arguments, with a space between them.
std::string command_of(pid_t process);

// A variable of the environment that it was started with; empty if there is none.
std::string variable_of(pid_t process, const std::string& name);

// Sends a signal to one process. False, and nothing is sent, where there is none: kill() takes -1,
// which stands for a process that was not found, for every process of the machine.
bool send(pid_t process, int signal);
// Sent, and not yet seen by the process.
bool is_pending(pid_t process, int signal);

// Lines of `peakbench run`'s progress that tell of a finished case. They say how far a run is
// without reading a file that is being written.
std::size_t cases_shown(const std::string& output);
// How often a text has a part.
std::size_t times_in(const std::string& text, const std::string& part);

// Asks every few milliseconds. False if it was not so within the limit.
bool within(double seconds, const std::function<bool()>& so);

} // namespace peakbench::testing
