/* diff.h -- what changed between two price books, a row for each rate, name or rule that did. */
#ifndef PRICE_DIFF_H
#define PRICE_DIFF_H

#include "price/book.h"

enum diff_kind { DIFF_ADDED, DIFF_REMOVED, DIFF_NAME, DIFF_RATE, DIFF_RULE };

struct diff_row { /* texts are valid during the call */
	enum diff_kind kind;
	const struct book_model *old, *now; /* NULL: not there */
	const struct book_price *entry_old,
		*entry_now; /* NULL: no price at that time, or every entry */
	uint64_t at_ns;     /* since when */
	const char *band, *tier,
		*what;        /* "<=272000", "standard", "in_text"; "" where it has none */
	const char *was, *is; /* "" : nothing */
	const char *percent;  /* "+12.5" */
	bool jump;            /* a rate that became more than five times another */
};
typedef int diff_fn(void *ctx, const struct diff_row *row);

struct diff_opts {
	uint64_t
		at_ns; /* compare the prices of this moment; 0: of every one at which one changes */
	bool stated; /* a rate that the new book does not say itself is none: a public list that lacks one says nothing */
	bool removed; /* say which models of the old book are not in the new one */
	/* NULL, or: is this model of the new book to be compared? */
	bool (*wanted)(void *ctx, const struct book_model *m);
	diff_fn *fn;
	void *ctx;
};

/* 0, -ENOMEM, or what fn returned. */
int diff_books(const struct book *old, const struct book *now,
	       const struct diff_opts *o) _must_use_;
/* The model of this provider that has this name, however it is spelled, or NULL. */
const struct book_model *diff_find(const struct book *b, struct str provider, struct str name);
/* The entry that holds at that time, or NULL. */
const struct book_price *diff_entry(const struct book_model *m, uint64_t at_ns);

#endif
