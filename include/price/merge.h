/* merge.h -- imported entries put into the text of a price book. What stands there stays as it is, comments too: a changed
 * price is a new entry, and the one that held until then gets its `until`. */
#ifndef PRICE_MERGE_H
#define PRICE_MERGE_H

#include "base/yaml.h"
#include "price/import.h"

struct merge {
	const struct import_entry *e;
	unsigned line; /* of the entry that ends; 0: the model is new */
	struct import_stamp stamp;
};

struct merge_opts {
	const char *name; /* of the file, for messages */
	struct str today; /* for the book's version */
};

/* `item` in the order of their lines, new models last; `text` empty: a new file. -EBADMSG with "FILE:LINE: ..." where an entry is
 * written in a way that this cannot edit; -EMSGSIZE, -ENOMEM. */
int merge_text(struct str text, const struct merge *item, size_t count, const struct merge_opts *o,
	       struct buf *out, char error[YAML_ERROR]) _must_use_;

#endif
