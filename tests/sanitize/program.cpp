// Linked into every program of the preset `sanitize`.

// Open MPI unloads its components at the end, before leaks are looked for: what they leak then has
// no name by which leaks.supp could tell it from ours. So nothing is unloaded.
extern "C" int dlclose(void*);
extern "C" int dlclose(void* /*library*/) { return 0; }

// The search for leaks crashes in programs on four ranks ("Tracer caught signal 11"): it follows
// records of threads' storage in loaded libraries, which it has guessed from the inner workings of
// the C library. Without these records it looks at less from where something can be reached, so
// that it reports more, if anything.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "intercept_tls_get_addr=0"; }
