/* import_entry.h -- one entry of a public price list, built up member by member. For the importers alone.
 *
 * Functions that can fail for want of memory return 0 or -ENOMEM; what is wrong with an entry becomes a note on it. */
#ifndef PRICE_IMPORT_ENTRY_H
#define PRICE_IMPORT_ENTRY_H

#include "base/arena.h"
#include "base/json.h"
#include "base/table.h"
#include "price/import.h"

struct import_name { /* a spelling that is taken: "openai\0gpt-5.5" in lower case */
	struct import_entry *entry;
	UT_hash_handle hh;
	size_t n;
	char key[];
};

struct import {
	unsigned magic;
	struct arena arena;
	struct import_opts o;
	const char *list;
	bool newest_first; /* of two names for one unit the newer one comes first, and counts */
	struct import_entry *first, **end;
	struct import_name *names;
};

/* One for each list: feeds the whole document through the scanner. */
typedef int import_fn(struct import *m, struct str json);
int import_litellm(struct import *m, struct str json) _must_use_;
int import_genai(struct import *m, struct str json) _must_use_;
int import_models_dev(struct import *m, struct str json) _must_use_;

int import_open(struct import *m, struct str key, struct import_entry **ret) _must_use_;
/* `about` must live as long as the import. Of refusals, and of what a note is about, the first stays. */
void import_note(struct import_entry *e, enum import_note n, struct str about);
/* Sets the provider by what the list calls it; false where it is not wanted, which is noted. *ret_prefix: what the list may
 * put before a model's name. */
bool import_provider(struct import *m, struct import_entry *e, struct str name,
		     struct str *ret_prefix);

struct import_unit { /* a price `dollars` times 10^shift is for one `unit` */
	const char *unit;
	int shift;
};

/* `number` is a JSON number's text; what is not a price is noted. */
int import_add(struct import *m, struct import_entry *e, struct import_rate at,
	       struct import_unit unit, struct str number, struct str about) _must_use_;
const struct import_rate *import_find(const struct import_entry *e, uint64_t above, struct str tier,
				      enum leaf leaf);
/* A unit that a range of prompt sizes does not name costs there what it does in the range below; `note` says so, if any. */
int import_fill_bands(struct import *m, struct import_entry *e, enum import_note note) _must_use_;
int import_alias(struct import *m, struct import_entry *e, struct str text) _must_use_;
/* No rate more comes: are they sane? Said of every entry, before what is said of its provider or kind. */
void import_gates(struct import_entry *e);
/* Nothing more comes: is it there already? */
int import_close(struct import *m, struct import_entry *e) _must_use_;

/* The entry of this name, or NULL. */
struct import_entry *import_named(const struct import *m, struct str provider, struct str id);
bool import_is_sane(
	struct str mul); /* "11/10": could a place, an hour cost that much more or less? */
/* An uplift of the entry's token rates; one that is not sane, two for one place that differ are noted. */
int import_uplift(struct import *m, struct import_entry *e, const char *facet, struct str place,
		  struct str mul) _must_use_;
/* Entries that are the price of another one in one place become uplifts of it, where that is one ratio. */
int import_variants(struct import *m) _must_use_;

/* Entries that are the price of a model's picture in one quality and size become tiers of it: the tier of such a call. */
int import_pictures(struct import *m) _must_use_;
/* Its quality, its size: "hd", "1024-x-1792". */
int import_picture(struct import *m, struct import_entry *e, struct str quality,
		   struct str size) _must_use_;
/* The pixels of "1024-x-1792"; 0: it is no size. */
unsigned import_pixels(struct str size);

/* number x 10^shift, as plain decimal text; -EBADMSG, -ERANGE, -ENOMEM. */
int import_shift(struct arena *a, struct str number, int shift, struct str *ret) _must_use_;
int import_times(struct arena *a, struct str x, struct str y, struct str *ret) _must_use_;
/* The number with the fewest decimals that is `number`, but for its last digit, times `times`; -EDOM: there are two. */
int import_rounded(struct arena *a, struct str number, unsigned times, struct str *ret) _must_use_;
/* "1.1" as "11/10". */
int import_ratio(struct arena *a, struct str number, struct str *ret) _must_use_;

/* x / y as "11/10"; absent where that is no ratio. */
int import_quotient(struct arena *a, struct str x, struct str y, struct str *ret) _must_use_;

#endif
