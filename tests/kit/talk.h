/* talk.h -- conversations on one connection of a client, in any framing, cut anywhere, poured as chunks.
 *
 * What is said is given (struct talk_exchange); how it is said is chance: header case, sizes of chunks and frames, flushes of
 * the coding, trailers, 1xx answers, pipelining, streams that interleave, padding, CONTINUATION, early answers, cuts. The same
 * seed gives the same chunks. */
#ifndef KIT_TALK_H
#define KIT_TALK_H

#include "flow.h"
#include "make.h"

enum talk_framing { TALK_LENGTH, TALK_CHUNKED, TALK_CLOSE, TALK_H2, TALK_FRAMINGS };

struct talk_side {
	const struct make_field *field; /* names in lower case; not those that the framing needs */
	size_t fields;
	struct str body; /* plain */
	enum make_coding coding;
	bool body_less; /* has no body at all: not even an empty one */
};

struct talk_exchange {
	struct str method, target, host;
	unsigned status;
	struct talk_side side[2]; /* by enum flow_dir */
	uint64_t off;             /* set: what part.off will be */
};

struct talk {
	struct chunk_sink to;
	enum talk_framing framing;
	uint64_t gen, seed;
	uint64_t at_ns
		[2]; /* of everything in a direction, but for what a client sends after its answer */
};

enum { TALK_MOST = 16 };

/* Says all of it (TALK_MOST exchanges at most) on a connection of its own and ends that. 0, or what the outlet returned. */
int talk_run(const struct talk *how, struct talk_exchange *x, size_t count);

/* ---- between talk.c and talk_h2.c ----------------------------------------------------------------- */

struct talk_line {
	const struct talk *how;
	uint64_t seed;
	struct buf out[2]; /* said, not poured yet */
	uint64_t off[2];   /* poured */
	size_t most;       /* bytes of a chunk */
	bool late;         /* what is poured now comes after an answer */
	int r;
};

/* Where to say something; what the other side has said is poured first. */
struct buf *talk_say(struct talk_line *l, enum flow_dir dir);
/* From now on, or no longer: what the client says comes after the answer to it. */
void talk_late(struct talk_line *l, bool late);
void talk_coded(struct talk_line *l, const struct talk_side *s, struct buf *out);
void talk_h2(struct talk_line *l, struct talk_exchange *x, size_t count);

#endif
