/* socket.h -- a WebSocket after its handshake: both directions' messages as PART_EVENT of the exchange that opened it.
 *
 * The exchange lives as long as the socket. Bytes lost inside a frame damage that message (and with context takeover every
 * later one of that direction); bytes lost elsewhere lose the direction for good: it is cut, never guessed. */
#ifndef WIRE_SOCKET_H
#define WIRE_SOCKET_H

#include "wire/exchange.h"

struct socket;

/* `answer`: the 101 response's headers. -EOPNOTSUPP: not a WebSocket, or with extensions that we cannot undo; -ENOMEM. `x` stays the
 * caller's and must outlive the socket. */
int socket_new(struct proto_env *env, struct exchange *x, const struct str answer[HDR_COUNT],
	       struct socket **ret) _must_use_;
/* Bytes or a gap, in stream order, of any stream: `in` need not be a TLS piece (HTTP/2 makes its own). Accounts for nothing.
 * 0; -EBADMSG: the framing is not to be trusted; -EMSGSIZE; -ENOMEM; else the outlet's. */
int socket_feed(struct socket *s, const struct piece *in) _must_use_;
/* Nothing more will come of this direction (or of both, END_EXIT and the like): an open message is damaged. */
int socket_end(struct socket *s, enum flow_dir dir, uint64_t at_ns) _must_use_;
bool socket_closed(const struct socket *
			   s); /* closed by handshake on both sides: what is open ended by itself */
void socket_free(struct socket **s);

#endif
