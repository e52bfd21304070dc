/* array.c -- the elements of one JSON array as events, each as it arrives: Gemini's streamGenerateContent without alt=sse.
 *
 * Strict about what stands between the elements. Inside one only what tells its end is looked at, nesting and strings: who
 * reads the element finds out whether it is JSON. */
#include "base/obj.h"
#include "wire/events.h"

enum place {
	BEFORE, /* the bracket that opens the array */
	FIRST,  /* an element, or the bracket that closes it */
	NEXT,   /* behind a comma: an element */
	WORD,   /* in a number, true, false or null */
	INSIDE, /* in a string, an object or an array */
	BEHIND, /* an element: a comma, or the bracket that closes it */
	OVER,
};

struct array {
	unsigned magic;
#define ARRAY_MAGIC 0xa44a0001u
	event_fn *fn;
	void *ctx;
	enum place place;
	uint64_t depth; /* INSIDE: objects and arrays that are open */
	bool string;    /* INSIDE: in a string */
	bool escaped;   /* behind a backslash */
};

static int array_open(event_fn *fn, void *ctx, struct counters *c, void **ret)
{
	struct array *a = obj_new(a, ARRAY_MAGIC);

	(void)c; /* nothing of an element is held */
	if (!a)
		return -ENOMEM;
	a->fn = fn;
	a->ctx = ctx;
	*ret = a;
	return 0;
}

static int array_say(struct array *a, struct str data, bool last)
{
	return a->fn(a->ctx, STR_NONE, data, last, WHY_NONE);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum place place_of(char first)
{
	return first == '{' || first == '[' || first == '"' ? INSIDE
	       : first && strchr("-0123456789tfn", first)   ? WORD
							    : OVER;
}

/* A byte inside an element. Was it the last one? */
static bool array_inside(struct array *a, char c)
{
	if (a->escaped) {
		a->escaped = false;
	} else if (a->string) {
		a->escaped = c == '\\';
		a->string = c != '"';
	} else if (c == '"') {
		a->string = true;
	} else if (c == '{' || c == '[') {
		a->depth++;
	} else if (c == '}' || c == ']') {
		a->depth--;
	}
	return !a->string && a->depth == 0;
}

/* In front of a byte of an element: how many of these are of it? */
static int array_element(struct array *a, struct str in, size_t *ret_n)
{
	size_t n = 0;
	bool last = false;

	if (a->place == INSIDE) {
		while (n < in.n && !last)
			last = array_inside(a, in.p[n++]);
	} else {
		while (n < in.n && !is_blank(in.p[n]) && in.p[n] != ',' && in.p[n] != ']')
			n++;
		last = n < in.n;
	}
	*ret_n = n;
	if (last)
		a->place = BEHIND;
	return n || last ? array_say(a, str_head(in, n), last) : 0;
}

/* A byte between elements. 1: it begins one, and is not used up. */
static int array_between(struct array *a, char c)
{
	enum place was = a->place;

	if (is_blank(c))
		return 0;
	if (was == BEFORE) {
		a->place = FIRST;
		return c == '[' ? 0 : -EBADMSG;
	}
	if (c == ']' && (was == FIRST || was == BEHIND)) {
		a->place = OVER;
		return 0;
	}
	if (was == BEHIND) {
		a->place = NEXT;
		return c == ',' ? 0 : -EBADMSG;
	}
	a->place = was == OVER ? OVER : place_of(c); /* nothing but blanks behind the array */
	return a->place == OVER ? -EBADMSG : 1;
}

static int array_feed(void *state, struct str bytes)
{
	struct array *a = state;

	obj_check(a, ARRAY_MAGIC);
	while (bytes.n) {
		size_t n = 0;
		int r;

		if (a->place == WORD || a->place == INSIDE) {
			r = array_element(a, bytes, &n);
		} else {
			r = array_between(a, bytes.p[0]);
			n = r == 0;
		}
		if (r < 0)
			return r;
		bytes = str_skip(bytes, n);
	}
	return 0;
}

static int array_end(void *state)
{
	struct array *a = state;

	obj_check(a, ARRAY_MAGIC);
	return a->place == OVER ? 0 : -EBADMSG;
}

static void array_close(void *state)
{
	struct array *a = state;

	mem_free(obj_take(&a, ARRAY_MAGIC));
}

const struct events array_events = {
	.framing = FRAMING_ARRAY,
	.open = array_open,
	.feed = array_feed,
	.end = array_end,
	.close = array_close,
};
