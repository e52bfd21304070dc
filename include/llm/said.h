/* said.h -- what one answer, event or message says, collected while it passes.
 *
 * Nothing of an event counts before it is whole, since it may turn out damaged or another call's: what it says is kept
 * here, bounded, until xchg_take() makes it part of a call. */
#ifndef LLM_SAID_H
#define LLM_SAID_H

#include "base/buf.h"
#include "base/limit.h"
#include "llm/provider.h"
#include "llm/unbase64.h"
#include "llm/vertexpb.h"

struct said_text { /* the last one that was not empty */
	size_t n;
	bool cut; /* it was longer */
	char p[LIMIT_MODEL_TEXT];
};

struct said_tools { /* what the answer's items come to */
	uint64_t n[LEAF_COUNT];
	uint64_t once[LIMIT_TOOL_SESSIONS]; /* what is counted once: its hash and its leaf */
	size_t once_count;
	bool full;
};

enum said_hit {                     /* limits that it reached */
		HIT_JSON_DEPTH = 1, /* it is bad because of that */
		HIT_USAGE_BYTES = 2,
		HIT_USAGE_MEMBERS = 4,
		HIT_NAME_TEXT = 8,
		HIT_TOOL_SESSIONS = 16,
};

enum {
	SAID_DONE_TEXT = 8, /* bytes of an event looked at for "[DONE]" */
	SAID_BESIDE = 1024, /* of numbers beside the usage object */
};

struct said {
	unsigned magic;
#define SAID_MAGIC 0x5a1d0001u
	const struct llm_format *format;
	struct json *scan;  /* of the answer */
	struct json *outer; /* of the document that it lies in as base64 */
	struct unbase64 unbase64;
	struct vertexpb *binary; /* instead of JSON */
	char head[SAID_DONE_TEXT];
	size_t head_n;
	bool begun, bad, broken; /* any byte; not JSON; but it began as an object */
	unsigned hits;           /* enum said_hit */

	struct said_text model, id, tier, kind, lane, other_model;
	struct buf raw;    /* usage */
	struct buf beside; /* MARK_BESIDE */
	struct buf list;   /* MARK_LIST: each, behind a comma */
	bool usage;        /* there was one */
	enum why raw_why;
	enum why extra; /* more is billed than the usage tells: why no price holds */
	bool stop, several, error, status_told, queued, background;
	bool listed, result; /* MARK_LISTED, MARK_RESULT */
	uint64_t images;
	bool fast;       /* `tier` is from MARK_SPEED */
	uint64_t status; /* of an error message; 0: not told */
	uint64_t text;   /* bytes of answer text */
	struct said_tools *tools;
	/* the item under way */
	const struct llm_tool *tool;
	bool tool_other_action, tool_not_done;
	uint64_t session;
};

int said_new(const struct llm_format *f, struct said **ret) _must_use_;
void said_free(struct said **s);
void said_reset(struct said *s);
/* Unreadable bytes are only noted in `bad`. -ENOMEM */
int said_feed(struct said *s, struct str bytes) _must_use_;
/* No more will come: is it one whole document? */
bool said_whole(struct said *s);
bool said_done(const struct said *s); /* "[DONE]" */

void said_keep(struct said_text *t, struct str s);
static inline struct str said_str(const struct said_text *t)
{
	return t->n ? (struct str){ t->p, t->n } : STR_NONE;
}

/* A usage object, or a number that belongs into one, from elsewhere (a header, protobuf). -ENOMEM */
int said_usage(struct said *s, struct str object) _must_use_;
/* A search of the web, counted once however often it is told; `mark` tells pictures apart. */
int said_search(struct said *s, enum llm_mark mark, struct str query) _must_use_;
/* Of what is counted once, what another event of the same answer tells and this one did not. */
void said_tools_join(struct said_tools *to, const struct said_tools *more);
int said_list(struct said *s) _must_use_; /* the list is whole: it becomes part of the usage */
int said_member(struct said *s, size_t field, struct str number) _must_use_;

#endif
