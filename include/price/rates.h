/* rates.h -- the rate of a leaf, its own or another's (tbl/collapse.h). For user/price only. */
#ifndef PRICE_RATES_H
#define PRICE_RATES_H

#include "price/book.h"

/* Whose rate a leaf has where these have one (1 << leaf); LEAF_COUNT: nobody's. Adds to *flags what the reader should know. */
enum leaf rates_as(uint64_t has, enum leaf leaf, unsigned *flags);
/* False: it has none. */
bool rates_find(const struct rates *r, enum leaf leaf, struct rate *ret, unsigned *flags);

#endif
