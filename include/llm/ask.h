/* ask.h -- what one request, or a client's message, asks for, collected while it passes. Of texts only the size is looked at. */
#ifndef LLM_ASK_H
#define LLM_ASK_H

#include "llm/said.h"
#include "llm/weigh.h"

enum { ASK_PICTURE = 64 }; /* bytes of a text that says what a picture shall look like */

struct ask {
	unsigned magic;
#define ASK_MAGIC 0xa5ca0001u
	struct json *scan;
	bool begun, bad; /* any byte; not JSON */
	bool deep;       /* or deeper than is read */
	bool lengthy;    /* a name is longer than is looked at */
	unsigned unsure; /* bit per name: given twice, not the same; or such a one */
	struct weigh prompt;
	bool item_id, item_here; /* of an item of `input`: it has an id; all of it stands here */
	bool hosted;             /* tools of the provider's add to it while it answers */
	struct said_text model, tier, type, lane, id;
	char quality[ASK_PICTURE / 2 - 1], size[ASK_PICTURE / 2 - 1];
	bool stream, usage; /* flags that are true */
	bool no_answer;     /* generate: false */
	bool fast;          /* the tier is a faster way */
	uint64_t max_tokens, choices;
	uint64_t characters, inputs; /* of `input` */
};

int ask_new(struct ask **ret) _must_use_;
void ask_free(struct ask **a);
void ask_reset(struct ask *a);
int ask_feed(struct ask *a, struct str bytes) _must_use_; /* -ENOMEM */
/* Absent where two are given, or one that is too long: nobody knows what the server takes. */
struct str ask_model(const struct ask *a);
struct str ask_tier(const struct ask *a);
/* Of its `input`, where there is one and it is text. */
bool ask_characters(const struct ask *a, uint64_t *ret);
/* What a picture is asked to be, "quality/size"; absent where nobody knows. */
struct str ask_picture(const struct ask *a, char text[ASK_PICTURE]);
enum why ask_unclear(const struct ask *a); /* why a tier may stand there that we did not read */
bool ask_whole(struct ask *a);             /* a whole document has passed */
bool ask_closed(const struct ask *a);      /* and nothing can follow */

#endif
