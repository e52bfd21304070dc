/* hpack.h -- header blocks of one direction of an HTTP/2 connection (RFC 7541), by nghttp2's inflater.
 *
 * Joined midway, the table is first filled with placeholders: references to what we did not see come out as `unknown`
 * instead of an error, and later entries are right. */
#ifndef WIRE_HPACK_H
#define WIRE_HPACK_H

#include "base/count.h"
#include "base/str.h"

struct hpack;
/* One field, in order. `unknown`: the name, or at least the value, lies in a part of the table that we did not see; what is not known is absent. */
typedef int hpack_fn(void *ctx, struct str name, struct str value, bool unknown);

int hpack_new(bool joined, struct counters *c, struct hpack **ret) _must_use_;
/* A part of a header block; `last`: of the whole block. 0; -EBADMSG: a compression error, the connection is lost; -EMSGSIZE:
 * a limit (counted), likewise; -ENOMEM; else what fn returned. */
int hpack_feed(struct hpack *h, struct str block, bool last, hpack_fn *fn, void *ctx) _must_use_;
/* The peer of the encoder has allowed a table of this size (SETTINGS_HEADER_TABLE_SIZE). */
int hpack_resize(struct hpack *h, uint32_t bytes) _must_use_;
/* A whole block was lost: from here on, what it may have put into the table is not known. */
int hpack_lost(struct hpack *h) _must_use_;
void hpack_free(struct hpack **h);

#endif
