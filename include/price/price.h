/* price.h -- stage: usage -> charge, by a price book.
 *
 * Exact look-ups only: no substring, no pattern. Unknown is not zero: a call without a price comes out
 * UNPRICED with its reason and no lines. */
#ifndef PRICE_PRICE_H
#define PRICE_PRICE_H

#include "flow.h"
#include "base/yaml.h"

struct book;  /* every entry of every file loaded, immutable */
struct price; /* the stage */

/* An empty book, then files on top of it; a later file may add, never redefine
 * (error with file and line); after an error the book is only good for book_free(). Schema: user/price/README.md. */
int book_new(struct book **ret) _must_use_;
int book_add(struct book *b, struct str yaml, const char *name, char error[YAML_ERROR]) _must_use_;
/* The same from a file; passes errno up, with `error` filled in every case. */
int book_load(struct book *b, const char *path, char error[YAML_ERROR]) _must_use_;
void book_free(struct book **b);
size_t book_models(const struct book *b);
struct str book_shipped(void); /* the starter book's YAML, built into the binary */

/* What came together under a contract in a period, [from, until) by the start of the calls: as charged, and at list price.
 * Only what is METERED counts, each call once. */
struct price_sums {
	__int128 net, list; /* pico-dollars */
};
typedef int price_sums_fn(void *ctx, struct str contract, uint64_t from_ns, uint64_t until_ns,
			  struct price_sums *ret);

/* `b` is borrowed and must outlive the stage. A charge is a function of the book, the usage and, where its contract has
 * volume steps or a commitment, of the sums at that moment, its own amount not in them. */
int price_new(const struct book *b, struct charge_sink out, struct price **ret) _must_use_;
/* Who tells the sums, asked only for contracts that need them; its error stops the stage. Without this the stage adds up
 * what it has priced itself, as `audit` wants it. */
void price_sums_from(struct price *p, price_sums_fn *fn, void *ctx);
/* Another book, from the next call on; borrowed. Only where somebody else tells the sums. */
void price_use(struct price *p, const struct book *b);
/* The model that the operator says it was, by the book in use; absent: he says nothing. */
struct str price_said(const struct price *p, const struct usage *u);
int price_feed(struct price *p, const struct usage *in) _must_use_;
void price_free(struct price **p);

#endif
