/* exchange.h -- one request with its response, whatever protocol carried them: poured as parts.
 *
 * Undoes content codings of both bodies, splits events, and keeps the promise that an
 * exchange which was begun gets exactly one PART_END. A body that cannot be read gets one PART_CUT
 * and nothing after it. Errors: -ENOMEM, or what the outlet returned (then env->sink_r is set). */
#ifndef WIRE_EXCHANGE_H
#define WIRE_EXCHANGE_H

#include "wire/events.h"
#include "wire/proto.h"

struct exchange_side {
	bool head, done;             /* its head was poured; its body is whole or was given up */
	bool cut;                    /* a PART_CUT was poured: no more of it */
	const struct events *events; /* how its body is split; NULL: one document */
	void *splitter;              /* its state, made by the first byte */
	struct body *body;
	struct str coding; /* literal; absent: identity. `body` is made by the first byte */
	uint64_t decoded;  /* bytes */
	/* what the head did not tell and the first bytes will */
	bool unknown; /* its coding */
	bool guess;   /* whether it comes in events */
	bool json;    /* but that it is JSON is known */
	char held[4]; /* first bytes, while `unknown` */
	uint8_t held_bytes;
};

struct exchange {
	unsigned magic;
#define EXCHANGE_MAGIC 0xe8c40001u
	struct proto_env *env;
	struct origin from; /* pinned: who wrote the first byte pays */
	uint64_t off;
	uint64_t now_ns;   /* time of the piece under way */
	struct str method; /* literal, as far as framing depends on it: HEAD, CONNECT or absent */
	bool orphan;       /* the request was not seen */
	struct exchange_side side[2];
	struct exchange *prev, *next; /* of the protocol's list */
};

#define EXCHANGE_ORPHAN (1ull << 63) /* in `off`, which then counts in DIR_IN */

/* -ENOMEM; -EMSGSIZE: a limit of memory, counted. Bodies that begin above one are cut, see proto_room(). */
int exchange_new(struct proto_env *env, const struct origin *from, uint64_t off,
		 struct exchange **ret) _must_use_;
/* A head: kind, method or status, header and body_less of `p` are set by the caller, the rest
 * here. A side has one. */
int exchange_head(struct exchange *x, struct part *p) _must_use_;
int exchange_body(struct exchange *x, enum flow_dir dir, uint64_t at_ns,
		  struct str bytes) _must_use_;
int exchange_done(struct exchange *x, enum flow_dir dir,
		  uint64_t at_ns) _must_use_; /* body whole */
/* A run of a WebSocket message, see part.h: `off` is where in `dir` it began. */
int exchange_message(struct exchange *x, enum flow_dir dir, uint64_t at_ns, uint64_t off,
		     struct str data, bool last, enum why why) _must_use_;
/* So many bytes of the body are missing, and what comes next is known to follow them: the events behind the hole are
 * read where their framing allows to find them, else this is exchange_cut(). */
int exchange_gap(struct exchange *x, enum flow_dir dir, uint64_t at_ns, uint64_t bytes) _must_use_;
/* Bytes of this body are missing; says so once, and not when the body was whole already. */
int exchange_cut(struct exchange *x, enum flow_dir dir, uint64_t at_ns, enum why why) _must_use_;
/* Pours PART_END and frees. `why` other than WHY_NONE: it did not end by itself. */
int exchange_end(struct exchange **x, uint64_t at_ns, enum why why, bool aborted) _must_use_;
void exchange_free(struct exchange **x); /* without a word: the stage itself goes */

#endif
