/* sse.c -- byte by byte over names, run by run over data: nothing of an event is held but its
 * name. */
#include "base/limit.h"
#include "base/obj.h"
#include "wire/sse.h"

enum field { FIELD_OTHER, FIELD_DATA, FIELD_EVENT };

#define FIELD_MAX 5 /* strlen("event"), the longest name that means something */
#define BOM       "\xef\xbb\xbf"
#define BOM_BYTES 3

struct sse {
	unsigned magic;
#define SSE_MAGIC 0x55e00001u
	sse_fn *fn;
	void *ctx;
	unsigned bom;        /* bytes of it seen; past BOM_BYTES: no longer looked for */
	bool cr;             /* the last byte was a CR: an LF now ends the same line */
	bool value;          /* behind the colon of this line */
	bool spaced;         /* the one space behind it was dropped, or was not there */
	enum field field;    /* of this line, once `value` */
	char key[FIELD_MAX]; /* its first letters */
	size_t key_bytes;    /* its length; may pass FIELD_MAX */
	char name[LIMIT_SSE_NAME];
	size_t name_bytes;
	bool data; /* this event has had a data line */
};

int sse_new(sse_fn *fn, void *ctx, struct sse **ret)
{
	struct sse *s = obj_new(s, SSE_MAGIC);

	if (!s)
		return -ENOMEM;
	s->fn = fn;
	s->ctx = ctx;
	*ret = s;
	return 0;
}

void sse_free(struct sse **ps)
{
	mem_free(obj_take(ps, SSE_MAGIC));
}

static int sse_say(struct sse *s, struct str data, bool last)
{
	return s->fn(s->ctx, (struct str){ s->name, s->name_bytes }, data, last);
}

static int sse_event_end(struct sse *s)
{
	int r = s->data ? sse_say(s, STR_NONE, true) : 0;

	s->data = false;
	s->name_bytes = 0;
	return r;
}

/* The name of the field is complete: by a colon, or by the end of a line without one. */
static int sse_field(struct sse *s)
{
	struct str key = { s->key, MIN(s->key_bytes, sizeof(s->key)) };

	s->field = s->key_bytes > FIELD_MAX  ? FIELD_OTHER
		   : str_eq(key, S("data"))  ? FIELD_DATA
		   : str_eq(key, S("event")) ? FIELD_EVENT
					     : FIELD_OTHER;
	s->value = true;
	s->spaced = false;
	if (s->field == FIELD_EVENT)
		s->name_bytes = 0;
	if (s->field != FIELD_DATA)
		return 0;
	if (s->data) /* a further data line */
		return sse_say(s, S("\n"), false);
	s->data = true;
	return 0;
}

static int sse_line_end(struct sse *s)
{
	int r = 0;

	if (!s->value && s->key_bytes == 0)
		return sse_event_end(s);
	if (!s->value)
		r = sse_field(s);
	s->value = false;
	s->key_bytes = 0;
	return r;
}

static int sse_value(struct sse *s, struct str v)
{
	if (s->field == FIELD_DATA)
		return sse_say(s, v, false);
	if (s->field == FIELD_EVENT) {
		size_t n = MIN(v.n, sizeof(s->name) - s->name_bytes);

		memcpy(s->name + s->name_bytes, v.p, n);
		s->name_bytes += n;
	}
	return 0;
}

/* At a byte that ends a line, in front of a colon, or at the space behind it: takes one byte.
 * Within a value: as much of it as there is. */
static int sse_step(struct sse *s, struct str in, size_t *ret_n)
{
	char c = in.p[0];
	bool after_cr = s->cr;
	size_t n = 1;

	*ret_n = 1;
	s->cr = c == '\r';
	if (c == '\n' && after_cr)
		return 0;
	if (c == '\r' || c == '\n')
		return sse_line_end(s);
	if (!s->value) {
		if (c == ':')
			return sse_field(s);
		if (s->key_bytes < sizeof(s->key))
			s->key[s->key_bytes] = c;
		s->key_bytes += s->key_bytes <= FIELD_MAX;
		return 0;
	}
	if (!s->spaced) {
		s->spaced = true;
		if (c == ' ')
			return 0;
	}
	while (n < in.n && in.p[n] != '\r' && in.p[n] != '\n')
		n++;
	*ret_n = n;
	return sse_value(s, str_head(in, n));
}

static int sse_run(struct sse *s, struct str in)
{
	size_t n = 0;

	while (in.n) {
		int r = sse_step(s, in, &n);

		if (r < 0)
			return r;
		in = str_skip(in, n);
	}
	return 0;
}

int sse_feed(struct sse *s, struct str bytes)
{
	obj_check(s, SSE_MAGIC);
	while (bytes.n && s->bom < BOM_BYTES) {
		unsigned seen = s->bom;
		int r;

		if (bytes.p[0] == BOM[seen]) {
			s->bom++;
			bytes = str_skip(bytes, 1);
			continue;
		}
		s->bom = BOM_BYTES + 1;
		r = sse_run(s, (struct str){ BOM, seen }); /* it was not one: ordinary bytes */
		if (r < 0)
			return r;
	}
	return sse_run(s, bytes);
}

int sse_end(struct sse *s)
{
	int r = 0;

	obj_check(s, SSE_MAGIC);
	if (s->value || s->key_bytes)
		r = sse_line_end(s);
	return r < 0 ? r : sse_event_end(s);
}
