/* family.h -- what is known of a model by the family that its name tells: how many tokens bytes come to, and what is written
 * around them.
 *
 * Only for guesses: no price hangs on it. */
#ifndef LLM_FAMILY_H
#define LLM_FAMILY_H

#include "base/str.h"

struct family {
	const char *name;
	/* tokens of the prompt: of any, of each turn */
	uint64_t base, turn;
	/* tokens of 1,000 bytes: of prompt, of definitions of tools, of the answer's; of the answer */
	uint64_t text, tools, schema, answer;
	/* tokens: where there are tools, a definition of the answer; of a picture or a page; of any answer */
	uint64_t tools_base, schema_base, picture, answer_base;
	/* tokens: of the usual thoughts that are not shown; of what a tool of the provider's adds */
	uint64_t hidden, hosted;
	uint64_t
		sealed; /* tokens of 1,000 bytes of what a search brought, as far as it is handed on */
	uint64_t ceiling; /* the longest answer, where none is asked for */
	bool hides;       /* the answer may be much longer than what is shown */
};

/* By the served or requested model's name; never NULL. */
const struct family *family_of(struct str model);

#endif
