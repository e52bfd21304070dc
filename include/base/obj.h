/* obj.h -- objects that can be recognised, and memory that can be made to fail.
 *
 * The first member of every heap object is `unsigned magic`. All allocation of the project goes
 * through here, so that a test can make the n-th one fail. */
#ifndef BASE_OBJ_H
#define BASE_OBJ_H

#include "base/lang.h"

/* A zeroed object with its magic set; NULL when there is no memory. */
#define obj_new(var, magic_) ((__typeof__(var))obj_make(sizeof(*(var)), (magic_)))

/* A stale, wrong or NULL pointer stops here. */
#define obj_check(var, magic_) assert((var) != NULL && (var)->magic == (magic_))

/* For destructors that take `T **`: empties the caller's variable and yields the object, its magic
 * spoiled; NULL stays NULL. */
#define obj_take(ptr, magic_)                              \
	({                                                 \
		__typeof__(*(ptr)) obj_ = *(ptr);          \
		*(ptr) = NULL;                             \
		if (obj_) {                                \
			obj_check(obj_, (magic_));         \
			obj_->magic = ~(unsigned)(magic_); \
		}                                          \
		obj_;                                      \
	})

void *obj_make(size_t size, unsigned magic) _must_use_;
void *mem_zero(size_t count, size_t size) _must_use_;            /* calloc */
void *mem_grow(void *old, size_t count, size_t size) _must_use_; /* realloc, overflow checked */
char *mem_text(const char *p, size_t n) _must_use_;              /* copy with a NUL */
void mem_free(void *p);                                          /* free */

/* ---- who pays ----
 *
 * What is got and given back while an account is the payer is added to its `held` and to that of the accounts it is
 * part of. Each thread has a payer of its own; at first it is nobody. */
struct mem_account {
	struct mem_account *of; /* the account that it is part of; NULL: of none */
	int64_t held;           /* bytes, as the allocator rounds them */
	int64_t limit;          /* above it nothing new should be begun */
	int64_t last;           /* mem_lend() does not go above it */
	bool refused;           /* it did not */
};

/* From now on `who` (NULL: nobody) pays; returns who did before. */
struct mem_account *mem_pay(struct mem_account *who);
/* The account, from the payer up, that is above its limit; NULL: none, something may be begun. */
struct mem_account *mem_short(void);
/* mem_zero() for what traffic can make large: NULL also where the payer, or what it is part of, would pass `last`. */
void *mem_lend(size_t count, size_t size) _must_use_;
void *mem_lend_raw(size_t count, size_t size)
	_must_use_; /* not zeroed: a window of which little is used costs little */
void *mem_lend_more(void *old, size_t before,
		    size_t size) _must_use_; /* mem_grow() likewise, from `before` bytes to more */
/* The account that refused mem_lend() since this was last asked; NULL: none did. */
struct mem_account *mem_refused(void);

extern long mem_fail_after; /* tests: allocations until one fails; negative = never */

#endif
