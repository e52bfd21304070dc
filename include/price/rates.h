/* rates.h -- the rate of a leaf, its own or another's (tbl/collapse.h). For user/price only. */
#ifndef PRICE_RATES_H
#define PRICE_RATES_H

#include "price/book.h"

/* False: it has none. *ret_as (may be NULL): whose rate it is. Adds to *flags what the reader should know. */
bool rates_find(const struct rates *r, enum leaf leaf, struct rate *ret, enum leaf *ret_as,
		unsigned *flags);

#endif
