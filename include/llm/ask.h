/* ask.h -- what one request, or a client's message, asks for, collected while it passes. Of texts only the size is looked at. */
#ifndef LLM_ASK_H
#define LLM_ASK_H

#include "llm/said.h"

struct ask {
	unsigned magic;
#define ASK_MAGIC 0xa5ca0001u
	struct json *scan;
	bool begun, bad; /* any byte; not JSON */
	bool deep;       /* or deeper than is read */
	unsigned twice;  /* bit per name: given twice, not the same */
	bool more;       /* part of the prompt lies elsewhere */
	struct said_text model, tier, type, lane, id;
	bool stream, usage; /* flags that are true */
	bool no_answer;     /* generate: false */
	uint64_t max_tokens, choices, text;
};

int ask_new(struct ask **ret) _must_use_;
void ask_free(struct ask **a);
void ask_reset(struct ask *a);
int ask_feed(struct ask *a, struct str bytes) _must_use_; /* -ENOMEM */
/* Absent where two are given: nobody knows which the server takes. */
struct str ask_model(const struct ask *a);
struct str ask_tier(const struct ask *a);
enum why ask_unclear(const struct ask *a); /* why a tier may stand there that we did not read */
bool ask_whole(struct ask *a);             /* a whole document has passed */

#endif
