/* jsonw.h -- JSON written into a buf, commas and escapes taken care of.
 *
 * Errors stick: the first one (-ENOMEM, -EMSGSIZE) is what jsonw_done() returns. Strings may hold
 * any bytes; what is not UTF-8 becomes U+FFFD, control characters are escaped. */
#ifndef BASE_JSONW_H
#define BASE_JSONW_H

#include "base/buf.h"

struct jsonw {
	struct buf *out;
	int error;
	bool comma; /* a comma is due before the next item */
};

void jsonw_init(struct jsonw *w, struct buf *out);
void jsonw_open(struct jsonw *w, char bracket);  /* '{' or '[' */
void jsonw_close(struct jsonw *w, char bracket); /* '}' or ']' */
void jsonw_key(struct jsonw *w, const char *key);
void jsonw_str(struct jsonw *w, struct str s);
void jsonw_u64(struct jsonw *w, uint64_t n);
void jsonw_i64(struct jsonw *w, int64_t n);
void jsonw_bool(struct jsonw *w, bool b);
void jsonw_raw(struct jsonw *w, struct str json); /* verbatim: must be JSON already */
int jsonw_done(struct jsonw *w) _must_use_;

/* key and value in one; an absent string (p NULL) writes nothing */
void jsonw_key_str(struct jsonw *w, const char *key, struct str s);
void jsonw_key_u64(struct jsonw *w, const char *key, uint64_t n);

#endif
