/* queue.h -- the exchanges under way on one HTTP/1 connection, in the order of their requests; responses come for the first. */
#ifndef WIRE_QUEUE_H
#define WIRE_QUEUE_H

#include "wire/exchange.h"

struct queue { /* owns its exchanges; set `env`, the rest is zero */
	struct proto_env *env;
	struct exchange *first;
	size_t count;
};

/* A new one behind the others. -EMSGSIZE: LIMIT_PIPELINE, counted; -ENOMEM. */
int queue_open(struct queue *q, const struct origin *from, uint64_t off,
	       struct exchange **ret) _must_use_;
/* Ends one, whatever of it is open. */
int queue_close(struct queue *q, struct exchange *x, uint64_t at_ns, enum why why,
		bool aborted) _must_use_;
/* Ends all: the bodies under way are cut first. The first error is returned, all are ended. */
int queue_close_all(struct queue *q, uint64_t at_ns, enum why why) _must_use_;
struct exchange *queue_take(struct queue *q); /* the first; it is the caller's now */
void queue_done(struct queue *q);             /* without a word: the stage itself goes */

#endif
