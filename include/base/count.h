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

enum limit_id { /* a limit as a row number, for the counter that each has */
#define LIMIT(name, value, unit, words) LIM_##name,
#include "tbl/limit.h"
#undef LIMIT
		LIM_COUNT
};

struct counters {
	uint64_t n[CNT_COUNT];
	uint64_t limit[LIM_COUNT]; /* times that limit was reached */
};

#define count_add(c, name, by) \
	((void)__atomic_fetch_add(&(c)->n[CNT_##name], (by), __ATOMIC_RELAXED))
#define count_get(c, name) __atomic_load_n(&(c)->n[CNT_##name], __ATOMIC_RELAXED)

/* LIMIT_name was reached. `c` may be NULL: nobody counts. */
#define count_limit(c, name)                                                                   \
	do {                                                                                   \
		struct counters *c_ = (c);                                                     \
		if (c_) {                                                                      \
			count_add(c_, LIMIT_HIT, 1);                                           \
			(void)__atomic_fetch_add(&c_->limit[LIM_##name], 1, __ATOMIC_RELAXED); \
		}                                                                              \
	} while (0)

#endif
