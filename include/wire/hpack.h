/* hpack.h -- header blocks of one direction of an HTTP/2 connection (RFC 7541), by nghttp2's inflater.
 *
 * Joined midway, the table is first filled with placeholders: references to what we did not see come out as `unknown`
 * instead of an error, and later entries are right. Why nothing wrong can come out of that stands in hpack.c.
 *
 * Limits: of a block HEAD_BYTES, coded as well as decoded, and HEAD_LINES; HEAD_NAME; H2_TABLE. */
#ifndef WIRE_HPACK_H
#define WIRE_HPACK_H

#include "base/count.h"
#include "base/str.h"

struct hpack;
/* One field, in order. `unknown`: the name, or at least the value, lies in a part of the table that we did not see; what is
 * not known is absent. */
typedef int hpack_fn(void *ctx, struct str name, struct str value, bool unknown);

/* An inflater costs its memory from the first block on. -ENOMEM. */
int hpack_new(bool joined, struct counters *c, struct hpack **ret) _must_use_;
/* A part of a header block; `last`: of the whole block. 0; -EBADMSG: a compression error, the connection is lost; -EMSGSIZE:
 * a limit (counted), likewise; -ENOMEM; else what fn returned. */
int hpack_feed(struct hpack *h, struct str block, bool last, hpack_fn *fn, void *ctx) _must_use_;
/* The peer of the encoder has allowed a table of this size (SETTINGS_HEADER_TABLE_SIZE); UINT32_MAX: not known. */
void hpack_resize(struct hpack *h, uint32_t bytes);
/* A whole block, or the rest of one, was lost: from here on, what it may have put into the table is not known. */
void hpack_lost(struct hpack *h);
/* Between blocks, when none will come for a while: gives back nearly all memory, but that of a large table only after as many
 * bytes as it has entries. Entries whose name `keep` denies are from here on a name of one letter that nobody uses, with no
 * value. */
int hpack_rest(struct hpack *h, bool (*keep)(struct str name)) _must_use_;
void hpack_free(struct hpack **h);

#endif
