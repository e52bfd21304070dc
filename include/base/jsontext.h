/* jsontext.h -- the text of one JSON string, unescaped as it arrives. Inner part of json.h.
 *
 * At most `kept.limit` bytes are kept; beyond that only their number is known. */
#ifndef BASE_JSONTEXT_H
#define BASE_JSONTEXT_H

#include "base/buf.h"

struct jsontext {
	struct buf kept;
	size_t size; /* of the whole text, unescaped; 0 when nobody wants it */
	bool keep, escape;
	bool count;             /* its size is enough */
	unsigned hex, hex_left; /* of \uXXXX */
	unsigned high;          /* a high surrogate that waits for its low one; 0: none */
};

void jsontext_init(struct jsontext *t);
void jsontext_done(struct jsontext *t);
/* A new text. Without `keep` it is checked and forgotten. */
void jsontext_start(struct jsontext *t, bool keep);
/* Takes bytes of a string, after its opening quote, off `bytes`. 1: the closing quote was taken;
 * 0: all taken, more must come; -EBADMSG, -ENOMEM. */
int jsontext_feed(struct jsontext *t, struct str *bytes) _must_use_;
/* Adds bytes as they are. -ENOMEM */
int jsontext_add(struct jsontext *t, struct str s) _must_use_;
/* `p` is NULL where the text was too long to keep. */
struct str jsontext_get(const struct jsontext *t);

#endif
