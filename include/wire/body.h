/* body.h -- undoes a content coding (gzip, deflate, br, zstd, identity), bounded in size and
 * ratio.
 *
 * Streaming: what the bytes so far allow is handed on at once, in runs of at most
 * LIMIT_CHUNK_BYTES. Several gzip members or zstd frames in a row are one body. `deflate` is taken
 * with or without its zlib wrapper. At most LIMIT_INFLATE_BYTES come out; above 1 MiB at most
 * LIMIT_INFLATE_RATIO for one that went in, above 8 MiB LIMIT_INFLATE_STEEP. */
#ifndef WIRE_BODY_H
#define WIRE_BODY_H

#include "base/count.h"
#include "base/str.h"

struct body;
typedef int body_fn(void *ctx, struct str bytes);

/* `coding` is the Content-Encoding value, empty or absent for identity. -EOPNOTSUPP: a coding (or
 * a stack of two) that we cannot undo. `c`: for limits, may be NULL. */
int body_new(struct str coding, body_fn *fn, void *ctx, struct counters *c,
	     struct body **ret) _must_use_;
/* 0; -EBADMSG: damaged; -EMSGSIZE: a limit of tbl/limit.h; -ENOMEM; else what fn returned. */
int body_feed(struct body *b, struct str bytes) _must_use_;
int body_end(struct body *b) _must_use_; /* -EBADMSG: the coded stream is not complete */
void body_free(struct body **b);

#endif
