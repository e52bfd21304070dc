/* h2stream.h -- the open streams of one HTTP/2 connection: each an exchange, told apart by its number (RFC 9113 section 8.1).
 *
 * What breaks the rules of a message breaks that stream only: it ends as WHY_DESYNC. Errors: -ENOMEM, -EMSGSIZE (memory
 * above a limit, counted), or what the outlet returned. */
#ifndef WIRE_H2STREAM_H
#define WIRE_H2STREAM_H

#include "wire/exchange.h"
#include "wire/h2frame.h"
#include "wire/h2head.h"
#include "wire/socket.h"

struct h2_stream {
	struct exchange *x;
	uint32_t id;
	bool hole;             /* bytes were lost since it began, and its end may be among them */
	bool refused;          /* the server says that it has not looked at it */
	bool tunnel;           /* CONNECT */
	bool empty;            /* a response that has no body */
	bool counted[2];       /* content-length was told: */
	uint64_t due[2];       /* what is still to come of it */
	bool websocket;        /* asked for: CONNECT with :protocol, RFC 8441 */
	struct socket *socket; /* NULL: HTTP */
	uint64_t at[2];        /* bytes of it so far */
	struct h2_stream *prev, *next;
};

struct h2_streams { /* embedded */
	struct proto_env *env;
	struct h2_stream *first; /* in the order in which they began */
	size_t count;
	uint64_t
		before; /* above the numbers of streams: connections of the same object before this one */
	uint32_t farewell; /* the server looks at no request above this number */
	uint64_t now_ns;   /* of the piece being fed */
	enum why missed;   /* why bytes of this connection were not seen */
};

/* Where a message began. */
struct h2_place {
	struct origin from;
	uint64_t off, at_ns;
};

struct h2_stream *h2stream_find(const struct h2_streams *l, uint32_t id);
/* `hole`: its response may pass unseen. Above H2_STREAMS it ends at once, counted. */
int h2stream_request(struct h2_streams *l, const struct h2_place *at, uint32_t id, struct h2head *h,
		     bool end, bool hole) _must_use_;
/* A response to a request that was not seen. */
int h2stream_orphan(struct h2_streams *l, const struct h2_place *at, uint32_t id, struct h2head *h,
		    bool end) _must_use_;
/* A block that is not the first of its side is trailers. All of these may end the stream. */
int h2stream_block(struct h2_streams *l, struct h2_stream *s, enum flow_dir dir, struct h2head *h,
		   bool end) _must_use_;
int h2stream_data(struct h2_streams *l, struct h2_stream *s, enum flow_dir dir,
		  struct str bytes) _must_use_;
int h2stream_end(struct h2_streams *l, struct h2_stream *s, enum flow_dir dir) _must_use_;
/* So many bytes of the body were lost; H2FRAME_UNKNOWN: some. */
int h2stream_gap(struct h2_streams *l, struct h2_stream *s, enum flow_dir dir,
		 uint64_t bytes) _must_use_;
/* The rest of the body of this side is missing, or cannot be read. */
int h2stream_cut(struct h2_streams *l, struct h2_stream *s, enum flow_dir dir,
		 enum why why) _must_use_;
/* RST_STREAM, or the end of the connection: what was seen stays. */
int h2stream_reset(struct h2_streams *l, struct h2_stream *s, enum why why,
		   bool aborted) _must_use_;
/* Cuts what is open of it and ends it. */
int h2stream_fail(struct h2_streams *l, struct h2_stream *s, enum why why) _must_use_;
int h2stream_fail_all(struct h2_streams *l, enum why why) _must_use_; /* the first error */
void h2stream_done(struct h2_streams *l);                             /* without a word */

#endif
