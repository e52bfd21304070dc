/* lines.c -- JSON documents, one a line (NDJSON, JSON lines). A line of blanks is none; the last need not end. */
#include "base/obj.h"
#include "wire/events.h"

struct lines {
	unsigned magic;
#define LINES_MAGIC 0x11e50001u
	event_fn *fn;
	void *ctx;
	bool begun; /* the line has had a byte that is not blank */
	bool lost;  /* behind a hole: the end of a line is looked for; a document holds none */
};

static int lines_open(event_fn *fn, void *ctx, struct counters *c, void **ret)
{
	struct lines *l = obj_new(l, LINES_MAGIC);

	(void)c; /* nothing of a line is held, so its length needs no limit */
	if (!l)
		return -ENOMEM;
	l->fn = fn;
	l->ctx = ctx;
	*ret = l;
	return 0;
}

static struct str skip_blanks(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\r'))
		s = str_skip(s, 1);
	return s;
}

static int lines_run(struct lines *l, struct str run, bool last)
{
	if (!l->begun)
		run = skip_blanks(run);
	if (!l->begun && !run.n)
		return 0;
	l->begun = !last;
	return l->fn(l->ctx, STR_NONE, run, last, WHY_NONE);
}

static int lines_feed(void *state, struct str bytes)
{
	struct lines *l = state;
	struct str line;
	int r = 0;

	obj_check(l, LINES_MAGIC);
	if (l->lost && !str_cut(&bytes, &line, '\n'))
		return 0;
	l->lost = false;
	while (r == 0 && str_cut(&bytes, &line, '\n'))
		r = lines_run(l, line, true);
	return r == 0 && bytes.n ? lines_run(l, bytes, false) : r;
}

static int lines_end(void *state)
{
	struct lines *l = state;

	obj_check(l, LINES_MAGIC);
	return l->begun ? lines_run(l, STR_NONE, true) : 0;
}

static int lines_gap(void *state, uint64_t bytes)
{
	struct lines *l = state;

	(void)bytes;
	obj_check(l, LINES_MAGIC);
	l->begun = false;
	l->lost = true;
	return l->fn(l->ctx, STR_NONE, STR_NONE, true, WHY_GAP);
}

static void lines_close(void *state)
{
	struct lines *l = state;

	mem_free(obj_take(&l, LINES_MAGIC));
}

const struct events lines_events = {
	.framing = FRAMING_LINES,
	.open = lines_open,
	.feed = lines_feed,
	.end = lines_end,
	.gap = lines_gap,
	.close = lines_close,
};
