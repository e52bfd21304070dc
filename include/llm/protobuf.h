/* protobuf.h -- a protobuf message taken as it arrives, keeping only what was asked for (protobuf.dev/programming-guides/encoding).
 *
 * Memory is constant. What is handed on, in the order in which it comes: a number; a text of at most LIMIT_MODEL_TEXT bytes
 * (a longer one with `p` NULL and its size); where a message that is asked for begins and ends. */
#ifndef LLM_PROTOBUF_H
#define LLM_PROTOBUF_H

#include "base/limit.h"
#include "base/str.h"

enum { PROTOBUF_DEPTH = 5 };

enum protobuf_type { PROTOBUF_NUMBER, PROTOBUF_TEXT, PROTOBUF_OPEN, PROTOBUF_CLOSE };

struct protobuf_want {
	unsigned char
		path[PROTOBUF_DEPTH]; /* field numbers from the outermost message on, then 0 */
	int id;
	bool message; /* it is one: PROTOBUF_OPEN, PROTOBUF_CLOSE */
};

typedef int protobuf_fn(void *ctx, int id, enum protobuf_type type, uint64_t n, struct str text);

struct protobuf {
	const struct protobuf_want *want;
	size_t want_count;
	protobuf_fn *fn;
	void *ctx;
	/* the message: open sub-messages, outermost first */
	unsigned depth;
	struct {
		unsigned field;
		uint64_t left; /* bytes of it to come */
	} at[PROTOBUF_DEPTH];
	enum { PROTOBUF_TAG, PROTOBUF_VALUE, PROTOBUF_LENGTH, PROTOBUF_BYTES } state;
	uint64_t varint;
	unsigned shift, field;
	uint64_t left;                    /* of the bytes under way */
	const struct protobuf_want *keep; /* what they are for, or NULL */
	size_t size;                      /* of them so far */
	char text[LIMIT_MODEL_TEXT];
};

void protobuf_init(struct protobuf *p, const struct protobuf_want *want, size_t count,
		   protobuf_fn *fn, void *ctx);
void protobuf_reset(struct protobuf *p);
/* 0; -EBADMSG; or what fn returned. After an error: reset. */
int protobuf_feed(struct protobuf *p, struct str bytes) _must_use_;
bool protobuf_whole(const struct protobuf *p); /* between fields of the outermost message */

#endif
