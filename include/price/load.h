/* load.h -- what every section of a price book reads from YAML. For user/price only.
 *
 * Each returns 0, -EBADMSG with "FILE:LINE: what is wrong" in l->error, or -ENOMEM. */
#ifndef PRICE_LOAD_H
#define PRICE_LOAD_H

#include "price/book.h"

struct load { /* what every function here needs */
	struct arena *arena;
	const char *name; /* of the file, for messages */
	char *error;      /* YAML_ERROR bytes */
	struct str file;  /* the same, as long as the book lives */
	struct str book;  /* "default 2026-11-22.1" */
	struct book_gates gates;
};

int load_no_memory(const struct load *l); /* -ENOMEM, said */
/* Refuses a member that is not in the list, which ends with NULL. */
int load_only(const struct load *l, const struct yaml_node *map,
	      const char *const *keys) _must_use_;
/* The text of member `key`; -EBADMSG when it is missing or not a text. */
int load_text(const struct load *l, const struct yaml_node *map, const char *key,
	      struct str *ret) _must_use_;
/* The same; absent where there is no such member. */
int load_maybe(const struct load *l, const struct yaml_node *map, const char *key,
	       struct str *ret) _must_use_;
/* "true" or "false"; `otherwise` where there is no such member. */
int load_bool(const struct load *l, const struct yaml_node *map, const char *key, bool otherwise,
	      bool *ret) _must_use_;
/* Which of `words`, which ends with NULL; `otherwise` where there is no such member. */
int load_choice(const struct load *l, const struct yaml_node *map, const char *key,
		const char *const *words, unsigned otherwise, unsigned *ret) _must_use_;
/* A text or a list of them. NULL `at`: an empty list. */
int load_words(const struct load *l, const struct yaml_node *at, struct word **ret) _must_use_;
/* "11/10" or "2" */
int load_ratio(const struct load *l, const struct yaml_node *at, struct ratio *ret) _must_use_;
/* "12.5": percent, as a ratio; not above `most` percent. */
int load_percent(const struct load *l, const struct yaml_node *map, const char *key, unsigned most,
		 struct ratio *ret) _must_use_;
/* The time of member `key`; `otherwise` where there is no such member. */
int load_date(const struct load *l, const struct yaml_node *map, const char *key,
	      uint64_t otherwise, uint64_t *ret) _must_use_;
/* [from, until) of an entry; `from` must be there. */
int load_dates(const struct load *l, const struct yaml_node *at, uint64_t *ret_from,
	       uint64_t *ret_until) _must_use_;
enum load_leaves { LOAD_COUNTS, LOAD_ALL };
/* "in_text: 1.25/Mtok" and so on, through the gates. */
int load_rates(const struct load *l, const struct yaml_node *map, enum load_leaves which,
	       struct rates *ret) _must_use_;

#endif
