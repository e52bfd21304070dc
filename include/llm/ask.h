/* ask.h -- what one request, or a client's message, asks for, collected while it passes. Of texts only the size is looked at. */
#ifndef LLM_ASK_H
#define LLM_ASK_H

#include "llm/said.h"

struct ask {
	unsigned magic;
#define ASK_MAGIC 0xa5ca0001u
	struct json *scan;
	bool begun, bad; /* any byte; not JSON */
	struct said_text model, tier, type, lane, id;
	bool stream, usage; /* flags that are true */
	bool no_answer;     /* generate: false */
	uint64_t max_tokens, choices, text;
};

int ask_new(struct ask **ret) _must_use_;
void ask_free(struct ask **a);
void ask_reset(struct ask *a);
int ask_feed(struct ask *a, struct str bytes) _must_use_; /* -ENOMEM */
bool ask_whole(struct ask *a);                            /* a whole document has passed */

#endif
