/* lane.h -- the calls of a socket that are under way, oldest first, and which of them a message is about. Inner part of lanes.h. */
#ifndef LLM_LANE_H
#define LLM_LANE_H

#include "llm/xchg.h"

struct lane {
	struct lane *next;
	struct xchg *x;
	struct said_text stream; /* the client's name for the lane */
	bool gone_quiet;         /* cancelled, or its end may have been in a damaged message */
};

/* The answers that ended last, so that none is billed twice or taken for the next call's. */
struct lane_ended {
	const unsigned char *key;
	uint64_t mark[LIMIT_SOCKET_LANES]; /* of the id; the lowest bit: it told its usage */
	size_t at;
};

void lane_ended(struct lane_ended *e, const struct xchg *x);
bool lane_has_ended(const struct lane_ended *e, struct str id, bool *ret_told);

/* All: the place in the list, or NULL. */
struct lane **lane_by_id(struct lane **first, struct str id); /* of its response */
/* The oldest of a stream that has no answer yet, or, `answered`, has one. */
struct lane **lane_by_stream(struct lane **first, const struct said_text *stream, bool answered);
/* What a message of the server's is about: by response id, else by stream, else the only one. */
struct lane **lane_find(struct lane **first, const struct said *s);
/* The call that an answer which is new to us belongs to. Answers come in the order of the calls of their stream. Where the
 * oldest call may have been answered unseen, it could be any one's: most likely the newest's, and none of them is sure from
 * here on. NULL: none of ours. */
struct lane **lane_pair(struct lane **first, const struct said_text *stream);
/* Why the order of its stream proves nothing about a call that nothing answered yet, or WHY_NONE. */
enum why lane_unsure(const struct lane *lane);

#endif
