/* h2head.h -- the fields of one HTTP/2 header block, and what they make (RFC 9113 section 8).
 *
 * Everything but pseudo headers, lengths and the headers of tbl/header.h is forgotten. A value above HEADER_VALUE is
 * forgotten as well, and counted. */
#ifndef WIRE_H2HEAD_H
#define WIRE_H2HEAD_H

#include "base/arena.h"
#include "base/count.h"
#include "flow.h"

enum h2_pseudo {
	H2_METHOD = 1,
	H2_SCHEME = 2,
	H2_AUTHORITY = 4,
	H2_PATH = 8,
	H2_PROTOCOL = 16,
	H2_STATUS = 32
};

#define H2_ASKS (H2_METHOD | H2_SCHEME | H2_AUTHORITY | H2_PATH | H2_PROTOCOL)

struct h2head; /* one a block under way */

int h2head_new(struct counters *c, struct h2head **ret) _must_use_;
/* 0, or -ENOMEM: what is wrong with a field is wrong with the message, not with the connection. An hpack_fn. */
int h2head_field(void *head, struct str name, struct str value, bool unknown) _must_use_;
/* Is a field of this name of any use? */
bool h2head_uses(struct str name);
/* The rest was lost. */
void h2head_lost(struct h2head *h);
unsigned h2head_pseudo(const struct h2head *h); /* enum h2_pseudo: those that are there */
bool h2head_blurred(const struct h2head *h);
/* Is it, as far as it is known, a request (or response) as it has to be? Fills method, target, status, header and blurred;
 * they are valid as long as the head. */
bool h2head_request(struct h2head *h, struct part *ret);
bool h2head_response(struct h2head *h, struct part *ret);
bool h2head_length(const struct h2head *h, uint64_t *ret); /* content-length, if there is one */
bool h2head_websocket(const struct h2head *h);             /* of a CONNECT: RFC 8441 */
void h2head_free(struct h2head **h);

#endif
