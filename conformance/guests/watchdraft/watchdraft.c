// The guest of ../watch, with the first draft of wasi:keyvalue.
#include "watchdraft.h"

#define watch_string_t watchdraft_string_t
#define watch_list_u8_t watchdraft_list_u8_t
#define WATCH_NUMBER uint64_t
#include "../watch/watch.c"
