/* window.h -- hours at which tokens cost more or less, each with a calendar of its own. For user/price only. */
#ifndef PRICE_WINDOW_H
#define PRICE_WINDOW_H

#include "price/load.h"

/* Member `windows` of an entry whose bands are known, if it has one. */
int window_load(const struct load *l, const struct yaml_node *entry,
		struct book_price *p) _must_use_;
/* The first that holds at that time, or NULL. */
const struct book_window *window_find(const struct book_window *list, uint64_t utc_ns);

#endif
