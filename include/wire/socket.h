/* socket.h -- a WebSocket after its handshake: both directions' messages as PART_EVENT of the exchange that opened it.
 *
 * The exchange lives as long as the socket. Bytes lost inside a frame damage that message (and with context takeover every
 * later one of that direction); bytes lost elsewhere lose the direction for good: it is cut, never guessed. So is one for
 * which our own limits leave no memory. Each message of which something was poured gets its last part, in front of a cut. */
#ifndef WIRE_SOCKET_H
#define WIRE_SOCKET_H

#include "wire/exchange.h"

struct socket;

/* Can the messages be read after this answer (HTTP/2 has no Upgrade: sets it to :protocol)? Not where it is no WebSocket, or
 * has extensions that we cannot undo. */
bool socket_fits(const struct str answer[HDR_COUNT]);
/* After a response head that said `upgraded`: both sides of `x` are open again. It stays the caller's and must outlive the
 * socket. -ENOMEM. */
int socket_new(struct proto_env *env, struct exchange *x, const struct str answer[HDR_COUNT],
	       struct socket **ret) _must_use_;
/* Bytes or a gap, in stream order, of any stream: `in` need not be a TLS piece (HTTP/2 makes its own). Accounts for nothing.
 * 0; -EBADMSG: the framing is not to be trusted, see socket_break(); -ENOMEM; else the outlet's. */
int socket_feed(struct socket *s, const struct piece *in) _must_use_;
/* Nothing more will be read of this direction: an open message is damaged, and `why` the reason. */
int socket_end(struct socket *s, enum flow_dir dir, uint64_t at_ns, enum why why) _must_use_;
/* The same, and it is cut: before the exchange is ended for a reason. */
int socket_break(struct socket *s, enum flow_dir dir, uint64_t at_ns, enum why why) _must_use_;
/* Why nothing more is read of this direction; WHY_NONE: it is. */
enum why socket_deaf(const struct socket *s, enum flow_dir dir);
/* Closed by handshake on both sides: what is open ended by itself. */
bool socket_closed(const struct socket *s);
void socket_free(struct socket **s);

#endif
