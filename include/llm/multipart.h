/* multipart.h -- finds one short field of a multipart/form-data body as it arrives. */
#ifndef LLM_MULTIPART_H
#define LLM_MULTIPART_H

#include "base/limit.h"
#include "base/str.h"

#define MULTIPART_LINE 512 /* bytes of a line that are looked at */

struct multipart {         /* all zero to begin with */
	const char *field; /* the name wanted */
	char line[MULTIPART_LINE];
	size_t n;
	enum { MULTIPART_SEEK, MULTIPART_HEAD, MULTIPART_VALUE, MULTIPART_DONE } state;
	char value[LIMIT_MODEL_TEXT];
	size_t value_n;
};

void multipart_feed(struct multipart *m, struct str bytes);
struct str multipart_value(
	const struct multipart *m); /* absent when not found, or found twice with two values */

#endif
