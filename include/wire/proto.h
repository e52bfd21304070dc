/* proto.h -- what the wire stage and a protocol expect of each other.
 *
 * One connection speaks one protocol at a time. wire.c finds out which and owns the connection;
 * the protocol turns pieces into exchanges. A new protocol is one file with a `struct proto` and
 * one row in the table of wire.c. */
#ifndef WIRE_PROTO_H
#define WIRE_PROTO_H

#include "wire/wire.h"

/* What a protocol may use of the stage. */
struct proto_env {
	const struct wire_opts *opts;
	struct part_sink out;
	size_t open;        /* exchanges begun and not ended */
	uint64_t accounted; /* bytes of the piece being fed that were told to parsed or skipped */
	int sink_r;         /* what the outlet refused a part with, or 0: never the bytes' fault */
};

/* How a connection starts. */
struct proto_start {
	bool sync[2];     /* the first byte of this direction is the first of a message */
	enum skip missed; /* why not: SKIP_MIDSTREAM or SKIP_AFTER_GAP */
};

#define PROTO_ALIVE SKIP_COUNT

struct proto {
	const char *name;
	/* Do these bytes begin what a client, or a server, of this protocol says first? 1, 0 (more
	 * are needed), -EBADMSG. */
	int (*begins)(struct str bytes);
	int (*answers)(struct str bytes);
	/* Are these bytes, without doubt, of a connection in the middle of this protocol, cut where a message begins? NULL:
	 * nothing proves it. */
	bool (*joins)(struct str bytes);
	int (*start)(struct proto_env *env, const struct proto_start *how, void **ret);
	/* Accounts for every byte of a piece up to the point where it dies. *ret_dead:
	 * PROTO_ALIVE, or why nothing that follows is of use; its exchanges have ended then.
	 * Errors: -ENOMEM or the outlet's. */
	int (*feed)(void *state, const struct piece *in, enum skip *ret_dead);
	/* Ends what is open, as well as can be: after an error of feed(). */
	void (*drop)(void *state, const struct piece *in, enum why why);
	void (*close)(void *state);
};

extern const struct proto pair_proto; /* pair.c: HTTP/1.0 and 1.1 */
extern const struct proto h2_proto;   /* h2.c */

/* May something that needs memory be begun? false: the limit that says no was counted. */
bool proto_room(struct proto_env *env);
/* Did a limit refuse memory, and not the machine? Counted, too. */
bool proto_refused(struct proto_env *env);
int proto_pour(struct proto_env *env, const struct part *p) _must_use_;
void proto_parsed(struct proto_env *env, const struct origin *from, uint64_t bytes);
void proto_skipped(struct proto_env *env, const struct origin *from, enum skip why, uint64_t bytes);

#endif
