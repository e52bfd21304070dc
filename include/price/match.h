/* match.h -- which model of the book a call's names stand for. Exact look-ups over a short list of candidates;
 * no substring, no pattern. For user/price only. */
#ifndef PRICE_MATCH_H
#define PRICE_MATCH_H

#include "price/load.h"

struct match {
	uint64_t at_ns; /* of the call: what has no entry then is no candidate */
	const struct book_model *model;
	const struct book_price *price;
	struct str name;              /* the candidate that was found; not to be kept */
	const char *kind;             /* override exact alias dated ft fallback requested any */
	const struct book_fall *fall; /* the model is another provider's */
	struct str geo, sku;          /* told by the name; absent: not told */
	bool far;                     /* it was found by a name without that geo */
	bool free;                    /* a variant that costs nothing */
	bool late;                    /* a name had entries, of other days alone */
	unsigned flags;               /* 1u << enum flag */
};

/* By the entries that hold at that time. WHY_NONE, WHY_NO_MODEL, WHY_DEPLOYMENT, WHY_NO_PRICE or WHY_NO_PRICE_DATE. */
enum why match_find(const struct book *b, const struct usage *u, uint64_t at_ns, struct match *ret);

/* The model that the operator says it was; absent: he says nothing. */
struct str match_said(const struct book *b, const struct usage *u);

/* One spelling of a model. A spelling that is taken is an error at `at`. */
int match_add(struct book *b, const struct load *l, const struct yaml_node *at, struct str id,
	      bool alias, struct book_model *m) _must_use_;

enum { MATCH_KEY = 3 * (LIMIT_MODEL_TEXT + 1) };
/* "a\0b\0c" in lower case, c absent: "a\0b"; 0: does not fit. */
size_t match_key(struct str a, struct str b, struct str c, char out[MATCH_KEY]);

#endif
