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
	event_fn *fn;
	void *ctx;
	struct counters *counters;
	unsigned bom;        /* bytes of it seen; past BOM_BYTES: no longer looked for */
	bool cr;             /* the last byte was a CR: an LF now ends the same line */
	bool value;          /* behind the colon of this line */
	bool spaced;         /* the one space behind it was dropped, or was not there */
	enum field field;    /* of this line, once `value` */
	char key[FIELD_MAX]; /* its first letters */
	size_t key_bytes;    /* its length; may pass FIELD_MAX */
	char name[LIMIT_SSE_NAME];
	size_t name_bytes;
	bool name_cut;      /* it was longer */
	size_t line_bytes;  /* of this line, if it is no data; may pass LIMIT_SSE_LINE by one */
	bool data;          /* this event has had a data line */
	size_t event_bytes; /* of its data */
	bool damaged;       /* there was more of it */
	bool lost;          /* behind a hole: an empty line is looked for */
	bool fresh;         /* lost: at the beginning of a line */
};

int sse_new(event_fn *fn, void *ctx, struct counters *c, struct sse **ret)
{
	struct sse *s = obj_new(s, SSE_MAGIC);

	if (!s)
		return -ENOMEM;
	s->fn = fn;
	s->ctx = ctx;
	s->counters = c;
	*ret = s;
	return 0;
}

void sse_free(struct sse **ps)
{
	mem_free(obj_take(ps, SSE_MAGIC));
}

static int sse_say(struct sse *s, struct str data, bool last)
{
	return s->fn(s->ctx, (struct str){ s->name, s->name_bytes }, data, last,
		     last && s->damaged ? WHY_LIMIT : WHY_NONE);
}

static int sse_event_end(struct sse *s)
{
	int r = s->data ? sse_say(s, STR_NONE, true) : 0;

	s->data = s->damaged = s->name_cut = false;
	s->name_bytes = s->event_bytes = 0;
	return r;
}

static int sse_data(struct sse *s, struct str run)
{
	struct str fits = str_head(run, LIMIT_EVENT_BYTES - s->event_bytes);

	s->event_bytes += fits.n;
	if (fits.n < run.n && !s->damaged)
		count_limit(s->counters, EVENT_BYTES);
	s->damaged |= fits.n < run.n;
	return fits.n ? sse_say(s, fits, false) : 0;
}

/* So many bytes more of a line that is no data. */
static void sse_pass(struct sse *s, size_t n)
{
	bool within = s->line_bytes <= LIMIT_SSE_LINE;

	s->line_bytes = MIN(s->line_bytes + n, LIMIT_SSE_LINE + 1);
	if (within && s->line_bytes > LIMIT_SSE_LINE)
		count_limit(s->counters, SSE_LINE);
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
		return sse_data(s, S("\n"));
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
	s->key_bytes = s->line_bytes = 0;
	return r;
}

static int sse_value(struct sse *s, struct str v)
{
	if (s->field == FIELD_DATA)
		return sse_data(s, v);
	if (s->field == FIELD_EVENT) {
		size_t n = MIN(v.n, sizeof(s->name) - s->name_bytes);

		memcpy(s->name + s->name_bytes, v.p, n);
		s->name_bytes += n;
		if (n < v.n && !s->name_cut)
			count_limit(s->counters, SSE_NAME);
		s->name_cut |= n < v.n;
	}
	sse_pass(s, v.n);
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
		sse_pass(s, 1);
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

/* Whatever the lost bytes were, an empty line ends an event: the next one is whole. Returns what is behind it. */
static struct str sse_find(struct sse *s, struct str in)
{
	while (s->lost && in.n) {
		char c = in.p[0];
		bool crlf = c == '\n' && s->cr, end = c == '\n' || c == '\r';

		in = str_skip(in, 1);
		s->cr = c == '\r';
		s->lost = crlf || !end || !s->fresh;
		s->fresh = end;
	}
	return in;
}

static int sse_run(struct sse *s, struct str in)
{
	size_t n = 0;

	in = sse_find(s, in);
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

static int sse_open(event_fn *fn, void *ctx, struct counters *c, void **ret)
{
	struct sse *s = NULL;
	int r = sse_new(fn, ctx, c, &s);

	*ret = s;
	return r;
}

static int sse_more(void *state, struct str bytes)
{
	return sse_feed(state, bytes);
}

static int sse_over(void *state)
{
	return sse_end(state);
}

static int sse_gap(void *state, uint64_t bytes)
{
	struct sse *s = state;
	struct str name = { s->name, s->name_bytes };
	int r;

	(void)bytes;
	obj_check(s, SSE_MAGIC);
	r = s->fn(s->ctx, name, STR_NONE, true, WHY_GAP);
	*s = (struct sse){ .magic = SSE_MAGIC,
			   .fn = s->fn,
			   .ctx = s->ctx,
			   .counters = s->counters,
			   .bom = BOM_BYTES + 1,
			   .lost = true };
	return r;
}

static void sse_close(void *state)
{
	struct sse *s = state;

	sse_free(&s);
}

const struct events sse_events = {
	.framing = FRAMING_SSE,
	.open = sse_open,
	.feed = sse_more,
	.end = sse_over,
	.gap = sse_gap,
	.close = sse_close,
};
