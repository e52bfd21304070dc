/* ws.h -- WebSocket messages of one direction, as they arrive (RFC 6455, RFC 7692).
 *
 * Undoes masking, fragments and permessage-deflate, with or without context takeover. The data of a message is handed on in
 * runs; memory is constant however large it is. Control frames between fragments are read and forgotten, but for close: what
 * follows one is passed over.
 *
 * Strict: reserved bits and opcodes, fragmented or long control frames, a continuation of nothing, lengths that are not the
 * shortest, a message that begins within another, the wrong side masking: -EBADMSG. */
#ifndef WIRE_WS_H
#define WIRE_WS_H

#include "base/count.h"
#include "flow.h"

struct ws;

/* What the handshake agreed on for one direction. The largest window is kept whatever was: it reads a smaller one's data. */
struct ws_opts {
	struct counters *counters; /* borrowed, may be NULL */
	enum flow_dir dir;         /* DIR_OUT is the client's: masked */
	bool deflate;
	bool fresh_context; /* no_context_takeover of the side that sends */
};

/* A run of a message's data. `off`: stream offset of the message's first byte. `last` comes once a message that has begun,
 * with no bytes; `why` with it: the message is damaged (bytes lost, or the deflate context is; a limit; closed within). */
typedef int ws_fn(void *ctx, uint64_t off, struct str data, bool last, enum why why);

int ws_new(const struct ws_opts *o, ws_fn *fn, void *ctx, struct ws **ret) _must_use_;
/* `off` is the stream offset of bytes.p[0]. 0; -EBADMSG; -ENOMEM; else what fn returned. After an error: free. */
int ws_feed(struct ws *w, uint64_t off, struct str bytes) _must_use_;
/* Payload bytes of the frame under way that are certain to follow: a gap of at most this is skipped exactly. */
uint64_t ws_sure(const struct ws *w);
int ws_skip(struct ws *w,
	    uint64_t bytes) _must_use_; /* at most ws_sure(): the message under way is damaged */
bool ws_closed(const struct ws *w);     /* a close frame has been seen */
bool ws_idle(const struct ws *w);       /* between messages and frames */
void ws_free(struct ws **w);

/* Reads the answer's Sec-WebSocket-Extensions into both directions' options. false: extensions that we cannot undo. */
bool ws_extensions(struct str answer, struct ws_opts ret[2]);

#endif
