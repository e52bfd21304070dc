/* json.h -- JSON taken as it arrives, keeping only what was asked for.
 *
 * A scanner is made for a table of wanted paths and fed bytes cut anywhere; memory is constant
 * however large the document. Paths: names joined by '.', "[]" for every element of an array, "*" for every member of
 * an object, "**" at the end for every scalar inside, however deep: "usage", "response.usage.input_tokens",
 * "output[].type", "*.price", "messages.**". Keys are compared after unescaping.
 * Numbers stay text: money never passes through a double.
 *
 * What comes out, in document order:
 *   a scalar          type, and its text: strings unescaped (UTF-8), numbers verbatim
 *   an object, array  with JSON_RAW: its verbatim text once it has ended;
 *                     with JSON_EACH: an empty text once it has ended (count, or close an item)
 *   a member's name   with JSON_NAMES: before its value, whatever that is; type JSON_NAME
 *   either            with JSON_SIZE: `text.p` NULL and its size: nothing is kept
 *   a string          with JSON_RUNS: as it arrives, in runs of at most JSON_RUN bytes, then an empty text; the
 *                     other rows of that path get the same
 * A text above LIMIT_JSON_VALUE bytes (scalars, LIMIT_JSON_TEXT) comes with `text.p` NULL and
 * `text.n` its size: "there, but too long to keep". Whoever looks at a text asks for `text.p` first; json_count() does.
 * A name that occurs twice is reported twice (the reader decides: last wins). */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/str.h"

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_NAME
};

enum json_flag {
	JSON_RAW = 1,    /* objects and arrays: keep the verbatim text */
	JSON_EACH = 2,   /* objects and arrays: say when one ends */
	JSON_SIZE = 4,   /* its size is enough */
	JSON_RUNS = 8,   /* strings: hand them on as they come, however long they are */
	JSON_NAMES = 16, /* members: say their names; for paths that end in "*" or "**" */
};

#define JSON_RUN 1024

struct json_want {
	const char *path; /* "" is the document itself */
	int id;           /* the caller's own name for it */
	unsigned flags;
};

struct json;
/* A negative return stops the feed and is passed through. */
typedef int json_fn(void *ctx, int id, enum json_type type, struct str text);

/* `want` must outlive the scanner; at most 64 rows. -ENOMEM, -EINVAL for a bad table. */
int json_new(const struct json_want *want, size_t count, json_fn *fn, void *ctx,
	     struct json **ret) _must_use_;
/* Ceilings of this scanner instead of LIMIT_JSON_VALUE and LIMIT_JSON_TEXT; before the first byte. */
void json_hold(struct json *j, size_t value, size_t text);
/* 0; -EBADMSG: not JSON (RFC 8259, strict); -EMSGSIZE: deeper than LIMIT_JSON_DEPTH; -ENOMEM.
 * After an error only reset and free are allowed. */
int json_feed(struct json *j, struct str bytes) _must_use_;
/* Has exactly one whole document been fed? 0, or -EBADMSG. Ends a top-level number. */
int json_end(struct json *j) _must_use_;
bool json_started(const struct json *j); /* any byte but white space since new or reset */
/* Has one whole document been fed, so that only white space may follow? Not a number: it may go on. */
bool json_closed(const struct json *j);
void json_reset(struct json *j); /* ready for the next document */
void json_free(struct json **j);

/* A whole document at once: new, feed, end, free. */
int json_scan(struct str doc, const struct json_want *want, size_t count, json_fn *fn,
	      void *ctx) _must_use_;

/* A count from a JSON number's text: no sign, no fraction but zeros ("6.0" is 6), exponent only
 * where the value is whole. -EBADMSG, or -ERANGE above 2^53 or where the text was too long to keep. */
int json_count(struct str number, uint64_t *ret) _must_use_;

#endif
