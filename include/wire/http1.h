/* http1.h -- HTTP/1.1 messages of one direction, as they arrive (RFC 9112, strict).
 *
 * A reader is told, before each response, what the request was, since HEAD, 204, 304 and CONNECT
 * change where a response ends. Bytes may be cut anywhere; the messages are the same.
 *
 * Refused as ambiguous (-EBADMSG): Content-Length together with Transfer-Encoding, more than one
 * length even if they are equal, a transfer coding other than one `chunked`, any coding under
 * HTTP/1.0, a line that ends in a bare LF, folded lines, spaces before a colon, control
 * characters, damaged chunk sizes. */
#ifndef WIRE_HTTP1_H
#define WIRE_HTTP1_H

#include "base/count.h"
#include "flow.h"

enum http1_side { HTTP1_REQUEST, HTTP1_RESPONSE };

struct http1_head {
	struct str method, target; /* a request */
	unsigned status; /* a response; 1xx heads are reported too, and nothing follows them */
	struct str header[HDR_COUNT];
	bool body_less, close_ends; /* no body follows; the body lasts until the connection ends */
	bool upgraded;              /* 101, or CONNECT answered by 2xx: HTTP ends here */
};

struct http1_calls {
	int (*head)(void *ctx, const struct http1_head *h);
	int (*body)(void *ctx, struct str bytes); /* transfer coding undone, content coding not */
	int (*end)(void *ctx);                    /* the message is whole; not called after 1xx */
};

struct http1;

/* counters: for limits, may be NULL. */
int http1_new(enum http1_side side, const struct http1_calls *calls, void *ctx,
	      struct counters *counters, struct http1 **ret) _must_use_;
/* Consumes up to the end of one message, or all. *ret_used says how much: at least 1 of 1 or more,
 * but 0 after `upgraded`. Call again with the rest. 0; -EBADMSG: ambiguous or not HTTP, nothing
 * after it can be trusted; -EMSGSIZE: a limit, counted; else what a callback returned. After an error:
 * reset or free. */
int http1_feed(struct http1 *h, struct str bytes, size_t *ret_used) _must_use_;
/* The response that comes next answers this method; absent: not known. */
void http1_expect(struct http1 *h, struct str method);
bool http1_idle(const struct http1 *h); /* between messages */
/* How many bytes of body follow for certain (a counted body, a chunk, or everything until the
 * connection ends): a gap of at most this can be skipped exactly. 0 where it is not known. */
uint64_t http1_sure(const struct http1 *h);
int http1_skip(struct http1 *h, uint64_t bytes) _must_use_; /* at most http1_sure() */
/* The direction has ended. 0: between messages, or a body that the end delimits (end is called).
 * -EPIPE: a message was cut. */
int http1_eof(struct http1 *h) _must_use_;
void http1_reset(struct http1 *h); /* between messages again, whatever was under way */
void http1_free(struct http1 **h);

/* Do these bytes begin with a whole request line with a method of RFC 9110 or PATCH? 1: yes. 0: so
 * far, more bytes are needed. -EBADMSG: no. */
int http1_begins_request(struct str bytes) _must_use_;
/* The same for the version and the status code of a response. */
int http1_begins_response(struct str bytes) _must_use_;

#endif
