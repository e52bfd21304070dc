/* quote.h -- which price applies to a call: entry, band, tier, place and hour; what a unit is listed at. For user/price only. */
#ifndef PRICE_QUOTE_H
#define PRICE_QUOTE_H

#include "price/contract.h"
#include "price/match.h"

struct quote { /* which price applies */
	struct match match;
	uint64_t at_ns; /* as of when */
	const struct book_price *price;
	const struct book_band *band;
	const struct book_tier *tier;
	const struct book_uplift *uplift;
	const struct book_window *window;
	struct str region; /* what chose the uplift */
	struct deal deal;
	unsigned flags;
};

/* The entry, and what is dearer there and then. */
enum why quote_find(const struct book *b, const struct usage *u, struct quote *ret);
bool quote_is_free(const struct quote *q);
/* The band and the tier, by these leaves. */
enum why quote_rates(const struct usage *u, const struct leaves *l, struct quote *q);
/* At list price: the rate of a leaf, dearer or cheaper by place and hour. -ERANGE */
int quote_rate(const struct quote *q, enum leaf leaf, struct term *ret) _must_use_;

#endif
