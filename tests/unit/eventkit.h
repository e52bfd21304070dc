/* eventkit.h -- a body through one of the splitters of wire/events.h, and what came out, as text.
 *
 * An event becomes `name|data;`, a damaged one `name|data!B;` with the first letter of why (BAD_BODY, LIMIT, GAP, ENCODING). */
#ifndef TESTS_EVENTKIT_H
#define TESTS_EVENTKIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/limit.h"
#include "base/obj.h"
#include "../kit/make.h"
#include "wire/events.h"

#define SPLIT_MAX    (4u << 20)
#define SPLIT_UNUSED __attribute__((unused))

struct split {
	struct buf text, data; /* of the events; of the one under way */
	size_t events, damaged;
	uint64_t bytes;
	bool light;     /* keep no data */
	long refuse_at; /* the outlet fails at this run with -EDOM; negative: never */
	struct counters c;
};

static void split_init(struct split *s)
{
	*s = (struct split){ .refuse_at = -1 };
	s->text.limit = s->data.limit = SPLIT_MAX;
}

static void split_done(struct split *s)
{
	buf_done(&s->text);
	buf_done(&s->data);
}

static int split_event(void *ctx, struct str name, struct str data, bool last, enum why why)
{
	static const char letters[WHY_COUNT] = {
		[WHY_BAD_BODY] = 'B', [WHY_LIMIT] = 'L', [WHY_GAP] = 'G', [WHY_ENCODING] = 'E'
	};
	struct split *s = ctx;
	char mark[2] = { '!', letters[why] };

	assert_true((data.n || last) && (last || why == WHY_NONE));
	assert_true(name.n <= 1 + LIMIT_SSE_NAME && (why == WHY_NONE || letters[why]));
	if (s->refuse_at >= 0 && s->refuse_at-- == 0)
		return -EDOM;
	s->bytes += data.n;
	s->events += last;
	s->damaged += why != WHY_NONE;
	if (s->light)
		return 0;
	make_add(&s->data, data);
	if (!last)
		return 0;
	make_add(&s->text, name);
	make_add(&s->text, S("|"));
	make_add(&s->text, buf_str(&s->data));
	make_add(&s->text, (struct str){ mark, why ? 2 : 0 });
	make_add(&s->text, S(";"));
	buf_reset(&s->data);
	return 0;
}

/* Fed in pieces of `step` bytes, the first one of `first` (0: as the others). What feed() or end() said. */
static int split_run(const struct events *e, struct str in, size_t first, size_t step,
		     struct split *s)
{
	void *state = NULL;
	int r = e->open(split_event, s, &s->c, &state);
	size_t n = first ? first : step;

	while (r == 0 && in.n) {
		r = e->feed(state, str_head(in, n));
		in = str_skip(in, n);
		n = step;
	}
	if (r == 0)
		r = e->end(state);
	if (state)
		e->close(state);
	return r;
}

struct split_row {
	struct str in, out;
	int r;
};

static void split_expect(const struct events *e, const struct split_row *row, size_t first,
			 size_t step)
{
	struct split s;
	int r;

	split_init(&s);
	r = split_run(e, row->in, first, step, &s);
	if (r != row->r || !str_eq(buf_str(&s.text), row->out))
		fail_msg("'" STR_FMT "' cut at %zu, %zu: '" STR_FMT "' and %d", STR_ARG(row->in),
			 first, step, STR_ARG(buf_str(&s.text)), r);
	split_done(&s);
}

/* The outlet says no at each run in turn: that is what comes back, and nothing is poured after it. */
static void split_refused(const struct events *e, const struct split_row *row)
{
	for (long at = 0;; at++) {
		struct split s;
		int r;

		split_init(&s);
		s.refuse_at = at;
		r = split_run(e, row->in, 0, 3, &s);
		split_done(&s);
		if (s.refuse_at >= 0) {
			assert_int_equal(r, row->r);
			return;
		}
		assert_int_equal(r, -EDOM);
	}
}

/* Every allocation fails in turn: there is one. */
static void split_no_memory(const struct events *e, const struct split_row *row)
{
	struct split s;

	split_init(&s);
	mem_fail_after = 0;
	assert_int_equal(split_run(e, row->in, 0, 5, &s), -ENOMEM);
	assert_true(mem_fail_after < 0 && s.events == 0);
	mem_fail_after = 1;
	assert_int_equal(split_run(e, row->in, 0, 5, &s), row->r);
	assert_int_equal(mem_fail_after, 0);
	mem_fail_after = -1;
	split_done(&s);
}

/* Each row whole, cut at every byte, in pieces of every size, with no memory, refused. */
SPLIT_UNUSED static void split_rows(const struct events *e, const struct split_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t at = 1; at <= rows[i].in.n + 1; at++) {
			split_expect(e, &rows[i], 0, at);
			split_expect(e, &rows[i], at, rows[i].in.n);
		}
		split_refused(e, &rows[i]);
		split_no_memory(e, &rows[i]);
	}
}

/* ---- whatever happens to the bytes ------------------------------------------------------------- */

enum { EVENTS = 5 };

struct stream {
	const struct events *events;
	int slack; /* events behind a hole that it may take along */
	int count;
	struct buf bytes;
	size_t begin[EVENTS + 1];
	struct buf said[EVENTS]; /* what each comes out as */
};

SPLIT_UNUSED static void stream_init(struct stream *t, const struct events *e, int slack)
{
	*t = (struct stream){ .events = e, .slack = slack, .bytes.limit = SPLIT_MAX };
}

/* The next event was added to the bytes. */
SPLIT_UNUSED static void stream_said(struct stream *t, struct str name, struct str data)
{
	struct buf *said = &t->said[t->count];

	said->limit = SPLIT_MAX;
	make_add(said, data);
	make_add(said, S("|"));
	make_add(said, name);
	t->begin[++t->count] = t->bytes.n;
}

SPLIT_UNUSED static void stream_done(struct stream *t)
{
	buf_done(&t->bytes);
	for (int i = 0; i < EVENTS; i++)
		buf_done(&t->said[i]);
}

/* Bytes `from` to `to` of a stream were hit: all that comes whole is what was sent, in its order, and no event outside of
 * them is missing. */
struct witness {
	const struct stream *t;
	size_t from, to;
	struct buf said; /* of the event under way */
	int next;        /* event */
	size_t whole, damaged;
};

SPLIT_UNUSED static void witness_skip(struct witness *w, int upto)
{
	for (; w->next < upto; w->next++)
		assert_true(w->t->begin[MAX(w->next - w->t->slack, 0)] < w->to &&
			    w->t->begin[w->next + 1] > w->from);
}

SPLIT_UNUSED static int witness_event(void *ctx, struct str name, struct str data, bool last,
				      enum why why)
{
	struct witness *w = ctx;
	int i = w->next;

	make_add(&w->said, data);
	if (!last)
		return 0;
	if (!why) {
		make_add(&w->said, S("|"));
		make_add(&w->said, name);
		while (i < EVENTS && !str_eq(buf_str(&w->t->said[i]), buf_str(&w->said)))
			i++;
		assert_true(i < EVENTS);
		witness_skip(w, i);
		w->next = i + 1;
		w->whole++;
	}
	w->damaged += why != WHY_NONE;
	buf_reset(&w->said);
	return 0;
}

SPLIT_UNUSED static struct witness witness_of(const struct stream *t, size_t from, size_t to)
{
	return (struct witness){ .t = t, .from = from, .to = to, .said.limit = SPLIT_MAX };
}

SPLIT_UNUSED static void witness_end(struct witness *w, int r)
{
	witness_skip(w, EVENTS);
	assert_true(r == 0 || r == -EBADMSG);
	assert_true(w->whole == EVENTS || w->damaged || r < 0);
	buf_done(&w->said);
}

SPLIT_UNUSED static int with_gap(const struct stream *t, size_t at, size_t gap, event_fn *fn,
				 void *ctx)
{
	void *a = NULL;
	int r = t->events->open(fn, ctx, NULL, &a);

	if (r == 0)
		r = t->events->feed(a, str_head(buf_str(&t->bytes), at));
	if (r == 0)
		r = t->events->gap(a, gap);
	if (r == 0)
		r = t->events->feed(a, str_skip(buf_str(&t->bytes), at + gap));
	if (r == 0)
		r = t->events->end(a);
	t->events->close(a);
	return r;
}

/* A hole of any size anywhere: it is said, and every event it does not touch comes whole. */
SPLIT_UNUSED static void stream_gaps(const struct stream *t)
{
	for (size_t at = 0; at < t->bytes.n; at++)
		for (size_t gap = 1; at + gap <= t->bytes.n; gap += 1 + gap / 8) {
			struct witness w = witness_of(t, at, at + gap);
			int r = with_gap(t, at, gap, witness_event, &w);

			assert_true(w.damaged >= 1);
			witness_end(&w, r);
		}
	for (size_t at = 0; at < t->bytes.n; at += 7) {
		struct split s;

		split_init(&s);
		s.refuse_at = 0;
		assert_int_equal(with_gap(t, at, 1, split_event, &s), -EDOM);
		split_done(&s);
	}
}

#define ROW(in_, out_, r_)                                                     \
	{                                                                      \
		{ "" in_, sizeof(in_) - 1 }, { "" out_, sizeof(out_) - 1 }, r_ \
	}

#endif
