/* price_import.h -- an import between its parts: compared, reported, approved. */
#ifndef CLI_PRICE_IMPORT_H
#define CLI_PRICE_IMPORT_H

#include "cli/price.h"
#include "cli/sheet.h"
#include "price/diff.h"

enum price_is { /* what becomes of an entry that is not refused */
		ITEM_SAME,
		ITEM_NEW,
		ITEM_CHANGED,
		ITEM_JUMPS,
		ITEM_RULES,
		ITEM_LOSES,
		ITEM_ELSEWHERE,
		ITEM_LATER,
		ITEM_NAMED,
		ITEM_COUNT
};

struct price_item {
	const struct import_entry *e;
	const struct book_model *now; /* in the list */
	/* In the books, or NULL; of a new one, by what such calls are priced until then: its place is taken. */
	struct diff_old old;
	const struct book_price *entry; /* that holds there at the time, or NULL */
	enum price_is is;
	bool jumps, rules, loses;
};

struct price_items {
	struct book *active, *list;
	struct import *import;
	struct price_item *item;
	size_t count, at;
	struct sheet *sheet; /* rows that changed */
	uint64_t at_ns;
};

/* All: an exit status, said on standard error. */
int price_report(const struct price_ask *a, const struct price_items *t) _must_use_;
int price_approve(const struct price_ask *a, const struct price_items *t) _must_use_;
/* Replaces the file, or makes it: whole, or not at all. */
int price_write(const char *path, struct str text) _must_use_;

#endif
