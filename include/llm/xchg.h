/* xchg.h -- one exchange while it is under way: its bodies scanned, nothing of them kept.
 *
 * Memory is constant: an arena of LIMIT_XCHG_ARENA for names and ids, one usage object, two scanners. */
#ifndef LLM_XCHG_H
#define LLM_XCHG_H

#include "base/arena.h"
#include "base/buf.h"
#include "llm/guess.h"
#include "llm/llm.h"
#include "llm/multipart.h"
#include "llm/provider.h"

#define XCHG_DONE_TEXT 8 /* bytes of an event looked at for "[DONE]" */

struct xchg {
	unsigned magic;
#define XCHG_MAGIC 0x78636867u
	const struct llm_provider *provider;
	const struct llm_route *route;   /* NULL: none fits */
	const struct llm_format *format; /* how the answer is read; NULL: not at all */
	struct arena arena;
	struct usage u;
	bool asked; /* the request was seen */
	bool orphan, upgrade;
	bool lines;      /* the answer is a stream of JSON, one document a line */
	bool closing;    /* the end: the last names may use the reserve of the arena */
	enum why cut[2]; /* by direction: why bytes are missing */

	struct hash hash; /* of the request body */
	bool hashing;
	struct json *ask, *answer;
	struct multipart form;
	bool form_on;
	bool ask_stream, ask_usage;
	struct guess guess;

	struct buf raw;   /* the usage object so far */
	enum why raw_why; /* the last one could not be kept: why */
	bool final;       /* the answer said it was whole */
	bool ended;       /* and nothing after it matters */
	bool error, queued;
	bool unreadable; /* the answer is not what its format says */
	struct str tier; /* served */

	/* the event under way */
	char head[XCHG_DONE_TEXT];
	size_t head_n;
	bool event_bad, event_last;
	/* the item under way, and items counted; a later event that lists items counts anew */
	bool tool_other_action, tool_not_done;
	const struct llm_tool *tool;
	uint64_t session;
	uint64_t tools[LEAF_COUNT];
	bool tools_seen, tools_full;
	uint64_t sessions[LIMIT_TOOL_SESSIONS];
	size_t session_count;
};

int xchg_new(const struct part *in, struct xchg **ret) _must_use_;
void xchg_free(struct xchg **x);

/* Copies at most LIMIT_MODEL_TEXT bytes; an absent or empty text leaves *ret alone. */
int xchg_keep(struct xchg *x, struct str s, struct str *ret) _must_use_;

/* Bodies. Unreadable bytes are normal and only noted; -ENOMEM is an error. */
int xchg_ask(struct xchg *x, struct str bytes) _must_use_;
int xchg_answer(struct xchg *x, struct str bytes) _must_use_;
int xchg_event(struct xchg *x, struct str bytes, bool last) _must_use_;
int xchg_lines(struct xchg *x, struct str bytes) _must_use_; /* events, one a line */

/* The exchange is over: fills x->u from what was seen. */
int xchg_finish(struct xchg *x, const struct part *end) _must_use_;

#endif
