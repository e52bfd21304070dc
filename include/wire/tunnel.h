/* tunnel.h -- an HTTP/1 connection that has become a WebSocket: its one exchange, until both sides have closed or it ends.
 *
 * pair.c hands over to it after the 101; its functions are those of a `struct proto`. */
#ifndef WIRE_TUNNEL_H
#define WIRE_TUNNEL_H

#include "wire/exchange.h"

struct tunnel;

/* `answer` fits (socket.h). The exchange is the tunnel's once this has succeeded. */
int tunnel_new(struct proto_env *env, struct exchange *x, const struct str answer[HDR_COUNT],
	       struct tunnel **ret) _must_use_;
int tunnel_feed(struct tunnel *t, const struct piece *in, enum skip *ret_dead) _must_use_;
void tunnel_drop(struct tunnel *t, const struct piece *in, enum why why);
void tunnel_free(struct tunnel **t); /* without a word */

#endif
