/* jsonpath.h -- a table of wanted paths, made ready for a scanner. Inner part of json.h.
 *
 * A step leads from a value to one inside it, so a value that lies in `depth` open brackets is
 * `depth` steps from the document. Sets of rows are bit masks. */
#ifndef BASE_JSONPATH_H
#define BASE_JSONPATH_H

#include "base/json.h"
#include "base/limit.h"

#define JSONPATH_ROWS 64

struct jsonpath {
	const struct json_want *want;                /* borrowed */
	struct str *steps;                           /* of all rows; name absent: "[]" */
	size_t first[JSONPATH_ROWS];                 /* each row's first step */
	uint64_t rows, raw, each, size, runs, names; /* all; with JSON_RAW, JSON_EACH and so on */
	uint64_t ends[LIMIT_JSON_DEPTH + 1];         /* rows of exactly `depth` steps */
	uint64_t elements[LIMIT_JSON_DEPTH + 1];     /* rows whose step at `depth` is "[]" */
	uint64_t within[LIMIT_JSON_DEPTH +
			1]; /* rows whose "**" a value at `depth` lies in, or holds */
	uint64_t deep;      /* rows that end in "**" */
};

/* -ENOMEM, -EINVAL for a bad path or too many. */
int jsonpath_init(struct jsonpath *t, const struct json_want *want, size_t count) _must_use_;
void jsonpath_done(struct jsonpath *t);
/* Which of `rows`, that lead to an object at `depth`, go on to its member `name`? */
uint64_t jsonpath_member(const struct jsonpath *t, uint64_t rows, unsigned depth, struct str name);

#endif
