/* api.h -- the routes of tbl/route.h: a request in, a reply out. Knows HTTP's words, not its bytes.
 *
 * Reads the ledger through connections of its own (made when first needed, at most API_READERS); everything else comes
 * from the ops it was given. May be called by several threads at once. */
#ifndef DESK_API_H
#define DESK_API_H

#include "base/buf.h"
#include "base/jsonw.h"
#include "ledger/ledger.h"

#define API_READERS 4

struct api;

struct api_reprice {                 /* calls to be priced anew */
	uint64_t since_ns, until_ns; /* 0 = open */
	uint64_t after_seq;
	struct str provider, model, actor; /* absent = any */
	bool corrected;                    /* those too that have a price */
	bool dry_run;                      /* only say what would be done */
};
struct api_repriced {
	uint64_t looked, priced, corrected, joined, unpriced;
	uint64_t next;  /* calls up to this row were looked at: ask on behind it; 0: that was all */
	__int128 more;  /* pico-dollars that teams pay more than before */
	char text[256]; /* what is wrong */
};

struct api_ops { /* called by several threads at once */
	void *ctx;
	/* What is missing before the meter is ready, in words; NULL = ready. */
	const char *(*missing)(void *ctx);
	/* Members of the open object of /v1/status, of /v1/coverage. */
	void (*status)(void *ctx, struct jsonw *w);
	void (*coverage)(void *ctx, struct jsonw *w);
	/* The meter's answers. -ETIMEDOUT: none within 5 s. */
	int (*mark)(void *ctx, uint64_t ret_mark[2]);
	int (*idle)(void *ctx, const uint64_t mark[2],
		    uint64_t *ret_open); /* 0 idle; -EAGAIN not yet */
	int (*allocate)(void *ctx, const struct wallet_move *m,
			char ret_text[256]); /* id, or what is wrong */
	/* A part of what was asked for, see api_repriced.next. */
	int (*reprice)(void *ctx, const struct api_reprice *what, struct api_repriced *ret);
	/* Asks for every probe to be taken away, or to be attached again; does not wait for it. */
	void (*probes)(void *ctx, bool on);
};

struct api_request {
	struct str method, path;
	struct str body;                                   /* POST */
	struct str key;                                    /* Idempotency-Key, or absent */
	struct str actor;                                  /* who asks: "uid:0" */
	const char *(*param)(void *ctx, const char *name); /* decoded query parameter, or NULL */
	void *ctx;
	struct str id; /* the {id} of the route; set by api_answer() */
};

struct api_reply {
	unsigned status; /* of HTTP */
	const char *type;
	struct buf body;
	uint64_t next; /* calls as lines: row after which the next page starts; 0 = absent */
};

int api_new(const char *ledger, const struct api_ops *ops, struct api **ret) _must_use_;
/* Always fills a reply (errors are {"error": {"message", "code"}}); -ENOMEM when not even that is possible. */
int api_answer(struct api *a, const struct api_request *q, struct api_reply *ret) _must_use_;
void api_free(struct api **a);

#endif
