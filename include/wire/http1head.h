/* http1head.h -- one HTTP/1 head as text: its lines, and what they say about the body (RFC 9112).
 *
 * Everything but the headers of tbl/header.h is read for framing only and forgotten. */
#ifndef WIRE_HTTP1HEAD_H
#define WIRE_HTTP1HEAD_H

#include "base/arena.h"
#include "wire/http1.h"

enum http1_body { HTTP1_NO_BODY, HTTP1_COUNTED, HTTP1_CHUNKED, HTTP1_UNTIL_END };

struct http1_framing {
	enum http1_body body;
	uint64_t length; /* HTTP1_COUNTED */
};

/* `c` (may be NULL) counts limits. `text` is a head with its empty line; every line ends in CRLF (the caller has checked it).
 * `method` is that of the request which a response answers. Values that had to be joined live in
 * `joined`, all others in `text`. 0, -EBADMSG, -EMSGSIZE (too many lines), -ENOMEM. */
int http1head_read(struct counters *c, enum http1_side side, struct str text, struct str method,
		   struct arena *joined, struct http1_head *ret,
		   struct http1_framing *ret_framing) _must_use_;

/* A trailer or header line without its CRLF. 0, -EBADMSG, -EMSGSIZE (a long name). */
int http1head_field(struct counters *c, struct str line, struct str *ret_name,
		    struct str *ret_value) _must_use_;

bool http1head_token(char c); /* may stand in a method or a field name */

#endif
