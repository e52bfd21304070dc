/* book.h -- a price book in memory: who charges what, since when, for which tier and context size.
 *
 * Built by book_add() (price.h), read by the price stage; immutable in between. All texts live as long
 * as the book. */
#ifndef PRICE_BOOK_H
#define PRICE_BOOK_H

#include "base/arena.h"
#include "base/limit.h"
#include "price/price.h"

struct rates { /* what each leaf costs, where it is given */
	uint64_t has;
	struct rate rate[LEAF_COUNT];
};

struct book_tier {
	struct str name;
	struct rates rates;
	struct book_tier *next;
};

struct book_band { /* a range of prompt sizes; the whole request is priced by its band */
	struct str name;
	uint64_t upto;  /* UINT64_MAX: no upper end */
	bool inclusive; /* a prompt of exactly `upto` tokens belongs here */
	struct book_tier *tiers;
};

struct book_uplift { /* token rates times num/den in these regions */
	struct str region;
	int64_t num;
	uint64_t den;
	struct book_uplift *next;
};

struct book_price { /* one dated entry, [from, until) */
	uint64_t from_ns, until_ns;
	struct str name; /* "openai/gpt-5.5@2026-04-23" */
	struct str book; /* "default 2026-11-22.1" */
	size_t bands;
	struct book_band band[LIMIT_PRICE_BANDS];
	struct rates counts; /* in every band and tier */
	struct book_uplift *uplift;
	bool free;
	bool any_tier; /* a tier that is not listed is priced as standard */
	unsigned line;
	struct book_price *next;
};

struct book_model {
	struct str provider, id;
	bool allow_dated;
	struct book_price *prices;
};

/* The model that `name` stands for, letters' case apart, or NULL. *ret_match: how it was found ("exact",
 * "alias", "dated"). */
const struct book_model *book_find(const struct book *b, struct str provider, struct str name,
				   const char **ret_match);

#endif
