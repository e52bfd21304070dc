/* buf.h -- bytes that grow up to a ceiling given at birth. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;
	size_t n;     /* bytes held */
	size_t room;  /* bytes allocated */
	size_t limit; /* n never passes this; from tbl/limit.h */
};

/* All: 0, -ENOMEM, or -EMSGSIZE at the limit; the content is unchanged on failure. */
int buf_add(struct buf *b, struct str s) _must_use_;
int buf_put(struct buf *b, char c) _must_use_;
int buf_printf(struct buf *b, const char *format, ...) _printf_(2, 3) _must_use_;

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

static inline void buf_reset(struct buf *b)
{
	b->n = 0; /* keeps its room */
}

void buf_done(struct buf *b); /* frees; the limit stays */

#endif
