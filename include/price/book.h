/* book.h -- a price book in memory: who charges what, since when, for which tier and context size.
 *
 * Built by book_add() (price.h), read by the price stage; immutable in between. All texts live as long
 * as the book. Lists are in the order in which they were written. */
#ifndef PRICE_BOOK_H
#define PRICE_BOOK_H

#include "base/arena.h"
#include "base/limit.h"
#include "base/table.h"
#include "price/price.h"

struct word { /* an element of a list of texts */
	struct str text;
	struct word *next;
};

struct ratio {
	uint64_t num, den;
};

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

enum facet {
	FACET_REGION,
	FACET_GEO,
	FACET_SKU,
	FACET_COUNT
}; /* where, or as what, it was served */

struct book_uplift { /* token rates times mul, where every facet that it names fits */
	struct word *when[FACET_COUNT];
	struct ratio mul;
	struct book_uplift *next;
};

struct book_hours { /* minutes of a day, [from, until) */
	unsigned from, until;
	struct book_hours *next;
};

struct book_day { /* days since 1970, in the time zone of the window */
	unsigned day;
	struct book_day *next;
};

struct book_window { /* token rates times mul, at these hours of these days of its own calendar */
	struct str name;
	int offset_min; /* local time is that much ahead of UTC */
	unsigned days;  /* bits, 1 = Monday */
	struct book_hours *hours;
	struct book_day *holidays; /* it does not hold on these */
	struct ratio mul;
	struct str band[LIMIT_PRICE_BANDS]; /* the name of each band, with that of the window */
	struct book_window *next;
};

struct book_price { /* one dated entry, [from, until) */
	uint64_t from_ns, until_ns;
	struct str name;            /* "openai/gpt-5.5@2026-04-23" */
	struct str book;            /* "default 2026-11-22.1" */
	struct str source, checked; /* where from, and the day on which somebody last compared */
	struct str note;            /* may be absent */
	size_t bands;
	struct book_band band[LIMIT_PRICE_BANDS];
	struct rates counts; /* in every band and tier */
	struct book_uplift *uplift;
	struct book_window *windows;
	bool free;
	bool any_tier; /* a tier that is not listed is priced as standard */
	unsigned line;
	struct book_price *next; /* in no order */
};

struct book_name { /* another name of a model */
	struct str text;
	struct book_name *next;
};

struct book_model {
	struct str provider, id;
	struct book_name *aliases;
	bool allow_dated;
	struct book_price *prices;
	struct str file; /* where it is written */
	unsigned line;
	struct book_model *next;
};

struct book_key { /* one spelling of a model: "openai\0gpt-5.5" in lower case */
	struct book_model *model;
	bool alias;
	UT_hash_handle hh;
	size_t n;
	char key[];
};

struct book_fall { /* where a provider's models may also be listed */
	struct str provider;
	struct str vendor;          /* only names of this vendor, where the name tells one */
	struct book_uplift *uplift; /* instead of those of the entry found there */
	struct book_fall *next;
};

struct book_variant { /* NAME:TEXT costs what NAME does, or nothing */
	struct str text;
	bool free;
	struct book_variant *next;
};

struct book_provider {
	struct str id;
	bool has_falls, has_time, has_variants; /* said already: no file says it again */
	bool at_end; /* a call is priced as of its end, not of its start */
	struct book_fall *falls;
	struct book_variant *variants;
	struct book_provider *next;
};

struct book_override { /* what the operator says a name stands for: "azure\0host\0name" in lower case */
	struct str model; /* absent: what the answer says */
	struct str sku;
	UT_hash_handle hh;
	size_t n;
	char key[];
};

struct contract; /* price/contract.h */

enum policy { POLICY_HOLD, POLICY_ALERT, POLICY_DENY, POLICY_SHADOW };

struct book_gates {
	struct rate most;    /* of a token; per 0: none */
	bool cache_le_input; /* a cached token may not cost more than a fresh one */
};

struct book {
	unsigned magic;
#define BOOK_MAGIC 0x626f6f6bu
	struct arena arena;
	struct book_key *keys;
	struct book_override *overrides;
	struct book_provider *providers;
	struct contract *contracts;
	bool has_policy; /* a file said so */
	enum policy policy;
	struct rates shadow; /* POLICY_SHADOW: what to show for a call without a price */
	struct book_model *first, *last;
	size_t models;
};

/* The first model; the others by `next`. */
const struct book_model *book_first(const struct book *b);
/* The entry that holds at that time, or NULL. */
const struct book_price *book_entry(const struct book_model *m, uint64_t at_ns);
/* The provider's row, or NULL. */
const struct book_provider *book_provider(const struct book *b, struct str id);

#endif
