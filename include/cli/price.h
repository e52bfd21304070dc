/* price.h -- what the parts of `submeter price` share. */
#ifndef CLI_PRICE_H
#define CLI_PRICE_H

#include "base/clock.h"
#include "base/yaml.h"
#include "cli/cli.h"
#include "price/book.h"
#include "price/import.h"

#define PRICE_LIST 16 /* times that an option may be given */

struct price_ask { /* the command line of one verb */
	const struct cli *cli;
	const char *provider[PRICE_LIST + 1], *prices[PRICE_LIST + 1], *consensus[PRICE_LIST + 1];
	const char *list, *out, *into, *source;
	const char *instead_of, *instead; /* this book is read instead of that one */
	bool alone;                       /* without the shipped book and that of the settings */
	bool approve, jumps, drops, backdate;
	uint64_t at_ns; /* --at, --since */
	bool has_at;
	uint64_t checked_ns; /* --checked, or now */
	int words;
	char **word;
};

typedef int price_fn(struct price_ask *a);
price_fn price_list, price_show, price_check, price_diff, price_import;

/* All: an exit status, said on standard error. */

/* The shipped book, those of the settings and of --prices; `more` (may be NULL) on top, unless it is among them. */
int price_books(const struct price_ask *a, const char *more, struct book **ret) _must_use_;
/* A whole file; nothing where there is none and `may_lack`. */
int price_read(const char *path, bool may_lack, struct buf *out) _must_use_;
/* A public list, as entries and as a book whose prices hold from --since on. `ret_import` may be NULL. */
int price_take(const struct price_ask *a, const char *list, const char *path,
	       struct import **ret_import, struct book **ret_book) _must_use_;
/* What every entry of an import says: since when (--since, or today), from where, looked at when. */
struct price_stamp {
	struct import_stamp is;
	char from[CLOCK_TEXT], checked[CLOCK_TEXT];
};
void price_stamp(const struct price_ask *a, const char *path, struct price_stamp *ret);

#endif
