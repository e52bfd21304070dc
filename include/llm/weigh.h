/* weigh.h -- how much a request puts into the prompt: sizes by kind, from the names and values of its members as they pass. */
#ifndef LLM_WEIGH_H
#define LLM_WEIGH_H

#include "base/json.h"

struct weight {
	uint64_t text;   /* bytes: what is said, also by and to tools */
	uint64_t tools;  /* bytes of the definitions of tools, as JSON */
	uint64_t schema; /* bytes of the definition of the answer, as JSON */
	uint64_t sealed; /* bytes that only the provider can read: results of searches, thoughts */
	uint64_t messages;                 /* turns */
	uint64_t pictures, papers, sounds; /* pieces, here or elsewhere */
	uint64_t media;                    /* bytes of them */
};

/* What a member's name says of the scalars in it. */
enum weigh_class {
	WEIGH_TEXT,
	WEIGH_NOT,    /* a name, an id, a role: no part of the prompt, or next to none */
	WEIGH_SEALED, /* struct weight.sealed */
	WEIGH_PICTURE,
	WEIGH_PAPER,
	WEIGH_SOUND, /* in it lies one */
	WEIGH_BYTES, /* of what the name around it says, else a picture */
	WEIGH_PLACE, /* the same, or of a text */
	WEIGH_MORE,  /* names what lies elsewhere */
};

struct weigh {
	struct weight sum;
	enum weigh_class around,
		now; /* the last name that said what bytes there are; the last name */
	bool more;   /* part of the prompt lies elsewhere */
};

void weigh_name(struct weigh *w, struct str name);
/* A scalar; `text.p` may be NULL. */
void weigh_value(struct weigh *w, enum json_type type, struct str text);

#endif
