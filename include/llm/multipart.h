/* multipart.h -- finds one short field of a multipart/form-data body as it arrives (RFC 7578, RFC 2046 section 5.1). */
#ifndef LLM_MULTIPART_H
#define LLM_MULTIPART_H

#include "base/limit.h"
#include "base/str.h"

#define MULTIPART_LINE     512 /* bytes of a line that are looked at */
#define MULTIPART_BOUNDARY 70  /* the longest there may be */

struct multipart {
	const char *field; /* the name wanted */
	char delimiter[2 + MULTIPART_BOUNDARY];
	size_t delimiter_n;
	char line[MULTIPART_LINE];
	size_t n;
	bool cut;    /* the line is longer */
	bool wanted; /* the part under way is that field */
	enum { MULTIPART_SEEK, MULTIPART_HEAD, MULTIPART_VALUE, MULTIPART_DONE } state;
	char value[LIMIT_MODEL_TEXT];
	size_t value_n;
};

/* `type`: of the body, which tells the boundary. */
void multipart_init(struct multipart *m, const char *field, struct str type);
void multipart_feed(struct multipart *m, struct str bytes);
/* Absent when not found, or found with two values, or where a server may have found another. */
struct str multipart_value(const struct multipart *m);

#endif
