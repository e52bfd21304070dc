/* pipeline.h -- all the stages, joined: chunks go in, postings come out.
 *
 *   order -> conn -> wire -> llm -> price -> team -> out
 *
 * The same joinery serves live traffic (meter) and saved traffic (audit). */
#ifndef APP_PIPELINE_H
#define APP_PIPELINE_H

#include "base/count.h"
#include "base/hash.h"
#include "flow.h"
#include "price/price.h"
#include "team/team.h"
#include "wire/wire.h"

struct pipeline;

struct pipeline_opts {
	struct counters *counters;   /* borrowed */
	const struct book *book;     /* borrowed */
	unsigned char key[HASH_KEY]; /* fingerprints of credentials and requests */
	struct team_opts team;       /* its callbacks get team.ctx */

	/* All may be NULL; `ctx` is theirs. */
	void (*parsed)(void *ctx, const struct origin *from, uint64_t bytes);
	void (*skipped)(void *ctx, const struct origin *from, int skip, uint64_t bytes);
	void (*ignore)(void *ctx, const struct origin *from, enum skip reason);
	struct str (*endpoint)(void *ctx, struct str host);
	/* Before each call is priced: when, where and with which credential an answer that was fetched by its id was asked
	 * for goes into *u, by that it is priced. Texts are valid until the next. An error stops the stage. */
	int (*created)(void *ctx, struct usage *u);
	price_sums_fn
		*sums; /* what came together under a contract; NULL: what this pipeline priced */
	void *ctx;
	bool alone; /* what a record says depends on no other call */
};

int pipeline_new(const struct pipeline_opts *o, struct posting_sink out,
		 struct pipeline **ret) _must_use_;
struct chunk_sink pipeline_inlet(struct pipeline *p);
/* Owners are looked up in this map from now on; borrowed until the next call or free. */
void pipeline_use(struct pipeline *p, const struct map *map);
/* The same for prices; only with opts.sums. */
void pipeline_prices(struct pipeline *p, const struct book *book);
size_t pipeline_open(const struct pipeline *p); /* calls under way */
/* Now and then: nothing that happened before `clear_ns` is still to come. */
int pipeline_tick(struct pipeline *p, uint64_t clear_ns) _must_use_;
/* The input is over: every connection ends. */
int pipeline_flush(struct pipeline *p, uint64_t now_ns) _must_use_;
void pipeline_free(struct pipeline **p);

#endif
