/* coding.h -- the content codings behind body.h: a table, one row a coding, one decoder each.
 *
 * A decoder turns input into output and stops when either is used up; body.c does the rest. */
#ifndef WIRE_CODING_H
#define WIRE_CODING_H

#include "base/str.h"

struct coding_io {
	struct str in; /* what is left of it */
	char *out;
	size_t room, got; /* bytes of `out`: there are, were written */
	bool end;  /* the coded stream is complete: nothing may follow but what the row allows */
	bool more; /* output is waiting for room */
};

struct coding {
	struct str name, alias; /* of Content-Encoding */
	/* NULL: identity. *ret is what step() and close() take. */
	int (*open)(void **ret);
	int (*step)(void *state, struct coding_io *io); /* 0, -EBADMSG, -ENOMEM */
	void (*close)(void *state);
};

/* The row for a Content-Encoding value; NULL: not one of ours, or several. */
const struct coding *coding_find(struct str value);
/* For a body whose headers are not known, by its first CODING_MAGIC bytes (fewer if that is all): gzip and zstd have magic
 * numbers, text is not coded. NULL: neither. */
const struct coding *coding_guess(struct str first);
#define CODING_MAGIC 4

#endif
