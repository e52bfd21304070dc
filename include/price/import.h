/* import.h -- public price lists as entries of our book: LiteLLM's JSON, genai-prices' and models.dev's.
 *
 * Every entry of a list comes out: as rates, perhaps flagged, or refused with its reason (tbl/import.h). Prices stay the
 * decimal text that the list has, moved to our units. What our book cannot say is refused or flagged, never guessed. */
#ifndef PRICE_IMPORT_H
#define PRICE_IMPORT_H

#include "base/buf.h"
#include "flow.h"

enum import_note {
	IMPORT_NONE,
#define IMPORT(name, refused, text, words) IMPORT_##name,
#include "tbl/import.h"
#undef IMPORT
	IMPORT_COUNT
};

struct import_words {
	bool refused;
	const char *text, *words;
};
extern const struct import_words import_words[IMPORT_COUNT];

struct import_rate {
	uint64_t above;  /* for prompts of more tokens than this (`ge`: of that many or more) */
	struct str tier; /* "standard", "flex", "batch" and so on */
	enum leaf leaf;
	struct str dollars; /* decimal text ... */
	const char *unit;   /* ... for one "Mtok", "call", "hour" */
	struct str name;    /* the member that said so */
	struct import_rate *next;
};

struct import_text {
	struct str text;
	struct import_text *next;
};

struct import_uplift {         /* token rates times mul in this place */
	const char *facet;     /* "region", "sku" */
	struct str place, mul; /* "us", "11/10" */
	struct import_uplift *next;
};

struct import_window {        /* token rates times mul at these hours, UTC */
	struct str time, mul; /* "\"16:30-24:00\", \"00:00-00:30\"", "1/2" */
	struct import_window *next;
};

struct import_entry {
	struct str key; /* what the list calls it */
	struct str provider,
		id; /* what we call it; absent where it was refused before that was known */
	struct import_text *aliases;
	bool allow_dated, ge;
	struct import_rate *rates;
	struct import_uplift *uplifts;
	struct import_window *windows;
	struct import_uplift *variant; /* it is the price of `variant_of` there; NULL: it is not */
	struct str variant_of;
	struct str
		picture; /* it is the price of `variant_of` in this quality and size: "hd/1024x1792" */
	bool sized;      /* its pictures cost by quality and size, which are tiers */
	uint64_t notes; /* 1 << enum import_note */
	enum import_note refused;
	struct str about[IMPORT_COUNT]; /* of each note: which member, or whose */
	struct import_entry *next;
};

struct import;

struct import_opts {
	const char *list; /* "litellm", "genai-prices", "models.dev" */
	const char *const *
		provider; /* only these, as we or the list call them; ends with NULL; NULL = all that are metered */
	uint64_t at_ns; /* as of then, where a list has dates */
	bool guess;     /* `list` is NULL: tell by its looks */
};

/* -EBADMSG: not such a list; -EINVAL: no list of that name; -EMSGSIZE: larger than LIMIT_IMPORT_BYTES in memory; -ENOMEM. */
int import_new(const struct import_opts *o, struct str json, struct import **ret) _must_use_;
void import_free(struct import **m);
const struct import_entry *import_first(const struct import *m); /* in the order of the list */
const char *import_list(const struct import *m);

struct import_stamp {       /* what stands in an entry besides what it costs */
	struct str from;    /* since when it holds: "2026-11-22" */
	struct str source;  /* where the prices are from */
	struct str checked; /* the day of the look */
	bool any_tier; /* `missing_tier: standard`, which no list says: what priced the model before has it */
};

/* What was imported, as a price book. */
int import_yaml(const struct import *m, const struct import_stamp *stamp,
		struct buf *out) _must_use_;
/* One entry of `prices`, and a whole model, as an element of a list whose "- " stands `indent` columns in. */
int import_yaml_price(const struct import_entry *e, const struct import_stamp *stamp, int indent,
		      struct buf *out) _must_use_;
int import_yaml_model(const struct import_entry *e, const struct import_stamp *stamp, int indent,
		      struct buf *out) _must_use_;

#endif
