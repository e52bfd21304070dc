/* arena.h -- memory that dies together: one per connection or per exchange.
 *
 * Bounded: at `limit` bytes every further request fails with NULL (or -ENOMEM). */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena {
	struct arena_block *head;
	size_t used, limit; /* bytes */
};

void *arena_get(struct arena *a, size_t size) _must_use_; /* zeroed, aligned to 16 */
int arena_str(struct arena *a, struct str s, struct str *ret) _must_use_; /* copy, NUL added */
void arena_reset(struct arena *a); /* everything is gone; the limit stays */

#endif
