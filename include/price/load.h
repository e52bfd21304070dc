/* load.h -- the rates of one book entry, from YAML. Used by book.c only. */
#ifndef PRICE_LOAD_H
#define PRICE_LOAD_H

#include "price/book.h"

struct load { /* what every function here needs */
	struct arena *arena;
	const char *name; /* of the file, for messages */
	char *error;      /* YAML_ERROR bytes */
	struct str book;
};

/* One element of `prices`. -EBADMSG with the message written; -ENOMEM. */
int load_price(const struct load *l, const struct yaml_node *at, const struct book_model *m,
	       struct book_price **ret) _must_use_;

/* Refuses a member that is not in the list, which ends with NULL. */
int load_only(const struct load *l, const struct yaml_node *map,
	      const char *const *keys) _must_use_;
/* The text of member `key`; -EBADMSG when it is missing or not a text. */
int load_text(const struct load *l, const struct yaml_node *map, const char *key,
	      struct str *ret) _must_use_;

#endif
