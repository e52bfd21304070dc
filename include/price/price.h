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

/* An empty book, then files on top of it; a later file may add models, never redefine one
 * (error with file and line); after an error the book is only good for book_free(). Schema: user/price/README.md. */
int book_new(struct book **ret) _must_use_;
int book_add(struct book *b, struct str yaml, const char *name, char error[YAML_ERROR]) _must_use_;
/* The same from a file; passes errno up, with `error` filled in every case. */
int book_load(struct book *b, const char *path, char error[YAML_ERROR]) _must_use_;
void book_free(struct book **b);
size_t book_models(const struct book *b);
struct str book_shipped(void); /* the starter book's YAML, built into the binary */

/* `b` is borrowed and must outlive the stage. */
int price_new(const struct book *b, struct charge_sink out, struct price **ret) _must_use_;
int price_feed(struct price *p, const struct usage *in) _must_use_;
void price_free(struct price **p);

#endif
