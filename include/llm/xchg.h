/* xchg.h -- one call while it is under way: what was asked and what was answered, nothing of the bodies kept.
 *
 * Memory is bounded however long they are: an arena for names and ids, the usage object so far, and
 * while a body passes a scanner with what its event says. Together at most 16 KiB of what the peers sent. */
#ifndef LLM_XCHG_H
#define LLM_XCHG_H

#include "base/arena.h"
#include "base/buf.h"
#include "llm/ask.h"
#include "llm/guess.h"
#include "llm/llm.h"
#include "llm/multipart.h"
#include "llm/provider.h"
#include "llm/said.h"

/* Names and ids: each has one place, and none is set more than twice. */
enum { XCHG_ARENA = 24 * (LIMIT_MODEL_TEXT + 16) };

struct xchg {
	unsigned magic;
#define XCHG_MAGIC 0x78636867u
	const struct llm_provider *provider;
	const struct llm_route *route;   /* NULL: none fits */
	const struct llm_format *format; /* how the answer is read; NULL: not at all */
	struct arena arena;
	struct usage u;
	bool asked;  /* the request was seen */
	bool routed; /* its path names the model */
	bool upgrade;
	bool unlisted;      /* no table has its path: it may be a call */
	bool masked;        /* the answer was to leave out what it did not name */
	bool plan;          /* asked with the token of a plan */
	bool events;        /* the answer came in events */
	bool blurred;       /* heads are known in part: joined midway */
	bool socket;        /* its messages, or lines, are calls of their own */
	bool tunnel;        /* opened by CONNECT, on HTTP/2 */
	bool call;          /* one of a socket's */
	bool warm_up;       /* nothing is generated: no call of a user's, unless it is billed */
	enum why cut[2];    /* by direction: why bytes are missing */
	enum why stale;     /* an event was damaged since the last usage: why */
	enum why doubt;     /* its usage may be that of another call: why */
	enum why unread;    /* a socket: calls may have passed unseen: why */
	enum why tier_lost; /* nobody told the tier, but the request is not all there: why */
	bool tier_told;     /* by the answer */
	enum why unclear;   /* the request, or its tier, could not be read: why */

	struct hash *hash; /* of the request body */
	struct ask *ask;
	struct multipart *form;
	bool ask_usage;
	struct guess guess;
	struct ratios *ratios;       /* borrowed; NULL: nothing is learned */
	const struct llm_opts *opts; /* borrowed; NULL: none */

	struct said *said;
	struct buf raw;    /* the usage object so far */
	struct buf beside; /* what is counted outside of it: llm_format.headers, MARK_BESIDE */
	enum why raw_why;  /* the last one could not be kept: why */
	enum why extra;    /* more is billed than it tells: why no price holds */
	struct said_tools *tools;
	bool final;   /* the answer said it was whole */
	bool several; /* it is one of several in one stream */
	bool ended;   /* and nothing after it matters */
	bool error, queued;
	bool status_told, background; /* of a job */
	uint64_t images;              /* in the answer */
	struct str picture;           /* what each was asked to be; absent: not known */
	uint64_t characters;          /* of the text that was sent */
	bool characters_told;
	bool unreadable; /* the answer is not what its format says */
	unsigned hits;   /* enum said_hit: limits that were reached */
	struct str tier, tier_asked;
	struct str kind; /* llm_orphan: what the answer calls itself, if it is a shape we know */
};

int xchg_new(const struct origin *from, uint64_t off, uint64_t at_ns, struct xchg **ret) _must_use_;
void xchg_free(struct xchg **x);

/* Both copy at most LIMIT_MODEL_TEXT bytes; an absent or empty text leaves *ret alone. A text that may come again goes to
 * the same place: *ret is absent or was set by xchg_note(). */
int xchg_keep(struct xchg *x, struct str s, struct str *ret) _must_use_;
int xchg_keep_lower(struct xchg *x, struct str s, struct str *ret) _must_use_; /* ASCII */
int xchg_note(struct xchg *x, struct str s, struct str *ret) _must_use_;

/* Bodies. Unreadable bytes are normal and only noted; -ENOMEM is an error. */
int xchg_ask(struct xchg *x, struct str bytes) _must_use_;
int xchg_answer(struct xchg *x, struct str bytes) _must_use_;
/* Part of an event; `why`, with `last`: it is damaged. */
int xchg_event(struct xchg *x, const struct part *in) _must_use_;

/* Makes what a request, a whole event or a message said part of the call; empties it. */
int xchg_asked(struct xchg *x, const struct ask *a) _must_use_;
int xchg_take(struct xchg *x, struct said *s) _must_use_;
/* Numbers that stand outside of the usage object. */
int xchg_beside(struct xchg *x, struct str object) _must_use_;
/* As Bedrock's heads tell it; a faster way beats it. */
int xchg_head_tier(struct xchg *x, const struct part *in, struct str *ret) _must_use_;
/* The tier that was served: as the usage tells it, or empty. -ENOMEM */
int xchg_tier(struct xchg *x, const char *counted) _must_use_;
void xchg_tier_guessed(struct xchg *x, const struct part *end); /* of a call that is guessed at */
/* An event of the answer is lost. */
void xchg_lost(struct xchg *x, enum why why);
/* Is this name among those that end a stream? */
bool xchg_is_last(const struct llm_format *f, struct str name);

enum { XCHG_HASH_BYTES = 16, XCHG_HASH_TEXT = 2 * XCHG_HASH_BYTES + 1 };
void xchg_hash_text(struct hash *h, char ret[XCHG_HASH_TEXT]); /* ends it */

/* Counts the limits that it reached. */
void xchg_limits(const struct xchg *x, struct counters *c);

/* The exchange is over: fills x->u from what was seen. */
int xchg_finish(struct xchg *x, const struct part *end) _must_use_;

#endif
