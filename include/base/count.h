/* count.h -- the counters of tbl/counter.h: plain 64-bit numbers in a block that may be shared memory. */
#ifndef BASE_COUNT_H
#define BASE_COUNT_H

#include <stdint.h>

enum counter {
#define COUNTER(name, text, words) CNT_##name,
#include "tbl/counter.h"
#undef COUNTER
	CNT_COUNT
};

struct counters {
	uint64_t n[CNT_COUNT];
};

#define count_add(c, name, by) \
	((void)__atomic_fetch_add(&(c)->n[CNT_##name], (by), __ATOMIC_RELAXED))
#define count_get(c, name) __atomic_load_n(&(c)->n[CNT_##name], __ATOMIC_RELAXED)

#endif
