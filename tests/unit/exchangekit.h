/* exchangekit.h -- bodies poured into one exchange, and what came out, as text. */
#ifndef TESTS_EXCHANGEKIT_H
#define TESTS_EXCHANGEKIT_H

#include "eventkit.h"
#include "wire/exchange.h"

#define MOST (4u << 20)

/* What was poured, a line a part, runs joined:  < > for the direction, `body text`, `event name|text`, `cut why`. */
struct log {
	struct proto_env env;
	struct wire_opts opts;
	struct counters c;
	struct buf text, run; /* run: of the body or event under way */
	bool in_body;
	enum flow_dir dir;
	unsigned ends;
	long refuse_at;
	uint64_t body_bytes[2];
};

static inline void log_body_over(struct log *l)
{
	if (l->in_body)
		make_printf(&l->text, "%cbody ", "><"[l->dir]);
	if (l->in_body)
		make_add(&l->text, buf_str(&l->run));
	if (l->in_body)
		make_add(&l->text, S("\n"));
	if (l->in_body)
		buf_reset(&l->run);
	l->in_body = false;
}

static inline void log_data(struct log *l, const struct part *p)
{
	bool event = p->kind == PART_EVENT;

	if (l->in_body && (event || l->dir != p->dir))
		log_body_over(l);
	make_add(&l->run, p->bytes);
	l->in_body = !event;
	l->dir = p->dir;
	if (!event || !p->last)
		return;
	make_printf(&l->text, "%cevent%d " STR_FMT "|", "><"[p->dir], p -> framing,
		    STR_ARG(p->name));
	make_add(&l->text, buf_str(&l->run));
	if (p->why)
		make_printf(&l->text, "!%d", p->why);
	make_add(&l->text, S("\n"));
	buf_reset(&l->run);
}

static inline int log_part(void *ctx, const struct part *p)
{
	struct log *l = ctx;

	assert_true(p->off == 77 && p->from->gen == 7 && p->at_ns > 0 && l->ends == 0);
	if (l->refuse_at >= 0 && l->refuse_at-- == 0)
		return -EDOM;
	if (p->kind == PART_BODY || p->kind == PART_EVENT) {
		assert_true(p->bytes.n || (p->kind == PART_EVENT && p->last));
		log_data(l, p);
		return 0;
	}
	log_body_over(l);
	buf_reset(&l->run); /* of an event that will not end */
	if (p->kind == PART_CUT)
		make_printf(&l->text, "%ccut %d\n", "><"[p->dir], p -> why);
	else if (p->kind == PART_END)
		make_printf(&l->text, "end %d\n", p->why);
	else
		make_printf(&l->text, "%chead %d\n", "><"[p->dir], p -> framing);
	l->ends += p->kind == PART_END;
	if (p->kind == PART_END)
		memcpy(l->body_bytes, p->body_bytes, sizeof(l->body_bytes));
	return 0;
}

static inline void log_init(struct log *l)
{
	*l = (struct log){ .refuse_at = -1 };
	l->opts.counters = &l->c;
	l->env.opts = &l->opts;
	l->env.out = (struct part_sink){ log_part, l };
	l->text.limit = l->run.limit = MOST;
}

static inline void log_done(struct log *l)
{
	assert_true(count_get(&l->c, CALLS) >= l->ends && l->env.open == 0 &&
		    count_get(&l->c, CALLS_OPEN) == 0);
	buf_done(&l->text);
	buf_done(&l->run);
}

struct body_in {
	enum flow_dir dir;
	const char *type, *coding; /* headers; NULL: absent */
	bool blurred;
	struct str bytes;
	size_t gap_at, gap; /* bytes of the body that are lost; gap 0: none */
	size_t step;
	bool broken_off; /* its end does not come */
};

static inline int bodies(struct exchange *x, const struct body_in *in)
{
	struct str rest = in->bytes;
	size_t at = 0;
	uint64_t now = 100;
	int r = 0;

	while (r == 0 && at < in->bytes.n) {
		size_t n = MIN(in->step, in->bytes.n - at);

		if (in->gap && at == in->gap_at) {
			r = exchange_gap(x, in->dir, ++now, in->gap);
			at += in->gap;
			continue;
		}
		if (in->gap && at < in->gap_at)
			n = MIN(n, in->gap_at - at);
		r = exchange_body(x, in->dir, ++now, str_head(str_skip(rest, at), n));
		at += n;
	}
	if (r == 0 && !in->broken_off)
		r = exchange_done(x, in->dir, ++now);
	return r;
}

static inline int play(struct log *l, const struct body_in *in)
{
	const struct origin from = { .gen = 7 };
	struct part p = { .kind = in->dir == DIR_OUT ? PART_REQUEST : PART_RESPONSE,
			  .at_ns = 10,
			  .status = 200,
			  .blurred = in->blurred };
	struct exchange *x = NULL;
	int r = exchange_new(&l->env, &from, 77, &x);

	if (r < 0)
		return r;
	p.header[HDR_CONTENT_TYPE] = str_of(in->type);
	p.header[HDR_CONTENT_ENCODING] = str_of(in->coding);
	r = exchange_head(x, &p);
	if (r == 0)
		r = bodies(x, in);
	if (r < 0)
		exchange_free(&x);
	else
		r = exchange_end(&x, 1000, WHY_NONE, false);
	return r;
}

static inline void expect(struct body_in in, const char *want)
{
	struct log l;
	int r;

	log_init(&l);
	r = play(&l, &in);
	if (r != 0 || !str_eq(buf_str(&l.text), str_of(want)))
		fail_msg("%s %s cut at %zu: %d, got\n" STR_FMT "not\n%s", in.type ? in.type : "-",
			 in.coding ? in.coding : "-", in.step, r, STR_ARG(buf_str(&l.text)), want);
	assert_int_equal(l.ends, 1);
	log_done(&l);
}

/* The outlet refuses each part in turn; each allocation fails in turn. */
static inline void hardship(struct body_in in)
{
	for (int way = 0; way < 2; way++)
		for (long n = 0;; n++) {
			struct log l;
			bool hit;
			int r;

			log_init(&l);
			if (way)
				mem_fail_after = n;
			else
				l.refuse_at = n;
			r = play(&l, &in);
			hit = way ? mem_fail_after < 0 : l.refuse_at < 0;
			mem_fail_after = -1;
			/* a library that can do without memory is welcome to */
			assert_true(r == (hit ? (way ? -ENOMEM : -EDOM) : 0) || (way && r == 0));
			log_done(&l);
			if (!hit)
				break;
		}
}

static inline void every_cut(struct body_in in, const char *want)
{
	for (in.step = 1; in.step <= in.bytes.n + 1; in.step += 1 + in.step / 9)
		expect(in, want);
	in.step = 3;
	hardship(in);
}

/* The lines of `out` with what log_part() writes in front of and into them. */
static inline void wanted(struct buf *b, enum flow_dir dir, enum framing head, enum framing events,
			  const char *out, const char *end)
{
	struct str rest = str_of(out), line;

	make_printf(b, "%chead %d\n", "><"[dir], head);
	while (str_cut(&rest, &line, '\n')) {
		bool event = str_starts(line, S("event "));

		if (event)
			make_printf(b, "%cevent%d", "><"[dir], events);
		else if (str_starts(line, S("body ")))
			make_printf(b, "%c", "><"[dir]);
		make_add(b, event ? str_skip(line, 5) : line);
		make_add(b, S("\n"));
	}
	make_add(b, str_of(end));
	make_add(b, (struct str){ "", 1 });
}

_printf_(3, 4) static inline void text_of(char *to, size_t room, const char *format, ...);

static inline void text_of(char *to, size_t room, const char *format, ...)
{
	va_list va;

	va_start(va, format);
	vsnprintf(to, room, format, va);
	va_end(va);
}

#endif
