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

struct diff_old {
	const struct book_model *model; /* NULL: nothing */
	const struct book_fall *fall;   /* the way to it, where it is another provider's */
};

struct diff_opts {
	uint64_t
		at_ns; /* compare the prices of this moment; 0: of every one at which one changes */
	/* The new book is a public list: a rate that it does not say itself is none, and it never says what a tier that is
	 * not listed costs. */
	bool stated;
	bool removed; /* say which models of the old book are not in the new one */
	/* NULL, or: is this model of the new book to be compared? */
	bool (*wanted)(void *ctx, const struct book_model *m);
	/* NULL, or: what stands in the old book for this model of the new one */
	struct diff_old (*find)(void *ctx, const struct book_model *m);
	diff_fn *fn;
	void *ctx;
};

/* 0, -ENOMEM, or what fn returned. */
int diff_books(const struct book *old, const struct book *now,
	       const struct diff_opts *o) _must_use_;
/* The model of this provider that has this name, however it is spelled, or NULL. */
const struct book_model *diff_find(const struct book *b, struct str provider, struct str name);
/* By which entry such a call is priced at that time, by whatever way; NULL: by none. */
const struct book_price *diff_priced(const struct book *b, struct str provider, struct str name,
				     uint64_t at_ns, struct diff_old *ret);

#endif
