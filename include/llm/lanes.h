/* lanes.h -- the calls of one WebSocket: its messages, cut anywhere, to a usage each.
 *
 * Two ways, told by struct llm_socket. OpenAI's Responses: a message of the client's begins a call, the server's messages of
 * its response end it; several may be under way, told apart by stream id or response id. Realtime: a response of the server's
 * is a call, whoever asked for it. A call is named by the offset of the message that began it.
 *
 * A damaged message is never used. What it may have been is not guessed: a call that it leaves unsure is estimated, and where
 * a whole call may have passed unseen, the socket itself says so. Memory: one message's scan per direction, and a struct xchg
 * for each of at most LIMIT_SOCKET_LANES calls. */
#ifndef LLM_LANES_H
#define LLM_LANES_H

#include "llm/xchg.h"

struct lanes;

/* `opening`: the exchange that opened the socket, on a route that has one; `all`: the calls under way on all sockets, at most
 * LIMIT_XCHGS. Both must outlive the lanes. */
int lanes_new(const struct xchg *opening, const unsigned char key[HASH_KEY], size_t *all,
	      struct counters *c, struct usage_sink out, struct lanes **ret) _must_use_;
void lanes_free(struct lanes **l);
int lanes_feed(struct lanes *l, const struct part *in) _must_use_; /* PART_EVENT */
int lanes_cut(struct lanes *l, const struct part *in) _must_use_;  /* PART_CUT */
/* PART_END: calls still open end with it. *ret: why calls may have passed unseen, or WHY_NONE. */
int lanes_end(struct lanes *l, const struct part *in, enum why *ret) _must_use_;

#endif
