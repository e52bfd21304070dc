#include <ctype.h>
#include <stdio.h>
#include "talk.h"

enum { FLUSHES = 4, MOST = 1 << 28, CHUNK = 16384 };

/* Pours `n` bytes of what was said, or all where there are fewer. */
static void pour(struct talk_line *l, enum flow_dir dir, size_t n)
{
	struct buf *b = &l->out[dir];
	struct str rest = str_head(buf_str(b), n);
	size_t done = rest.n;

	while (rest.n && l->r == 0) {
		struct chunk c = { .from.gen = l->how->gen,
				   .at_ns = l->how->at_ns[l->late ? DIR_IN : dir],
				   .dir = dir,
				   .off = l->off[dir] };

		c.bytes = str_head(rest, 1 + make_below(&l->seed, l->most));
		l->r = chunk_put(l->how->to, &c);
		l->off[dir] += c.bytes.n;
		rest = str_skip(rest, c.bytes.n);
	}
	if (done == b->n) {
		buf_reset(b);
		return;
	}
	memmove(b->p, b->p + done, b->n - done);
	b->n -= done;
}

static void end(struct talk_line *l, enum flow_end why)
{
	struct chunk c = {
		.from.gen = l->how->gen, .at_ns = l->how->at_ns[DIR_IN], .dir = DIR_IN, .end = why
	};

	for (int dir = 0; dir < 2; dir++) {
		pour(l, dir, MOST);
		c.final[dir] = l->off[dir];
	}
	if (l->r == 0)
		l->r = chunk_put(l->how->to, &c);
}

struct buf *talk_say(struct talk_line *l, enum flow_dir dir)
{
	pour(l, !dir, MOST);
	return &l->out[dir];
}

void talk_late(struct talk_line *l, bool late)
{
	if (l->late != late)
		pour(l, DIR_OUT, MOST);
	l->late = late;
}

void talk_coded(struct talk_line *l, const struct talk_side *s, struct buf *out)
{
	size_t flush[FLUSHES], n = make_below(&l->seed, FLUSHES + 1), at = 0;

	for (size_t i = 0; i < n && s->body.n; i++)
		flush[i] = at += make_below(&l->seed, s->body.n - at + 1);
	make_coded(out, s->coding, s->body, flush, s->body.n ? n : 0);
}

/* ---- HTTP/1 --------------------------------------------------------------------------------------------- */

/* Any case, any blanks around: it means the same. */
static void field(struct talk_line *l, struct buf *out, struct str name, struct str value)
{
	unsigned way = (unsigned)make_below(&l->seed, 4);

	for (size_t i = 0; i < name.n; i++) {
		bool upper = way == 1 || (way == 2 && (i == 0 || name.p[i - 1] == '-'));
		char c = (char)(upper ? toupper(name.p[i]) : name.p[i]);

		make_add(out, (struct str){ &c, 1 });
	}
	make_add(out, way == 3 ? S(":") : S(": "));
	make_add(out, value);
	make_add(out, make_chance(&l->seed, 5) ? S(" \t\r\n") : S("\r\n"));
}

static void body(struct talk_line *l, struct buf *out, const struct talk_side *s, bool until_end)
{
	_cleanup_(buf_done) struct buf coded = { .limit = MOST };
	bool chunked = l->how->framing == TALK_CHUNKED;

	talk_coded(l, s, &coded);
	if (s->coding)
		field(l, out, S("content-encoding"), make_coding_name(s->coding));
	if (until_end) {
		make_add(out, S("\r\n"));
	} else if (chunked) {
		struct make_chunked how = { 1 + make_below(&l->seed, CHUNK), &l->seed, NULL, NULL };

		if (make_chance(&l->seed, 10))
			how.extension = ";name=value;flag";
		if (make_chance(&l->seed, 10))
			how.trailers = "X-Trailer: 1\r\nContent-Type: a/lie\r\n";
		field(l, out, S("transfer-encoding"), S("chunked"));
		make_add(out, S("\r\n"));
		make_chunked(out, buf_str(&coded), &how);
		return;
	} else {
		char text[24];

		snprintf(text, sizeof(text), "%zu", coded.n);
		field(l, out, S("content-length"), str_of(text));
		make_add(out, S("\r\n"));
	}
	make_add(out, buf_str(&coded));
}

static void message(struct talk_line *l, struct buf *out, const struct talk_exchange *x,
		    enum flow_dir dir, bool until_end)
{
	const struct talk_side *s = &x->side[dir];

	if (dir == DIR_OUT) {
		make_add(out, x->method);
		make_add(out, S(" "));
		make_add(out, x->target);
		make_add(out, S(" HTTP/1.1\r\n"));
		field(l, out, S("host"), x->host);
	} else {
		if (make_chance(&l->seed, 10))
			make_add(out, S("HTTP/1.1 100 Continue\r\n\r\n"));
		if (make_chance(&l->seed, 5))
			make_add(out, S("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"));
		make_printf(out, "HTTP/1.1 %u%s\r\n", x->status,
			    make_chance(&l->seed, 50) ? " As It Is" : " ");
	}
	for (size_t i = 0; i < s->fields; i++)
		field(l, out, s->field[i].name, s->field[i].value);
	if (s->body_less)
		make_add(out, S("\r\n"));
	else
		body(l, out, s, until_end);
}

/* The answer comes while the request is still being sent. */
static void early(struct talk_line *l, size_t head)
{
	pour(l, DIR_OUT, head);
	l->late = true;
	while (l->r == 0 && (l->out[DIR_OUT].n || l->out[DIR_IN].n))
		pour(l, make_chance(&l->seed, 50) ? DIR_OUT : DIR_IN, make_size(&l->seed, CHUNK));
	l->late = false;
}

static size_t head_bytes(struct str s)
{
	const char *at = memmem(s.p, s.n, "\r\n\r\n", 4);

	assert(at);
	return (size_t)(at - s.p) + 4;
}

static void http1(struct talk_line *l, struct talk_exchange *x, size_t count)
{
	bool until_end = l->how->framing == TALK_CLOSE;

	for (size_t asked = 0, answered = 0; answered < count && l->r == 0;) {
		bool last = answered == count - 1;

		if (asked == count || (asked > answered && make_chance(&l->seed, 60))) {
			message(l, talk_say(l, DIR_IN), &x[answered++], DIR_IN, until_end && last);
			continue;
		}
		x[asked].off = l->off[DIR_OUT] + talk_say(l, DIR_OUT)->n;
		message(l, &l->out[DIR_OUT], &x[asked++], DIR_OUT, false);
		if (asked == answered + 1 && make_chance(&l->seed, 10)) {
			size_t n = x[answered].off - l->off[DIR_OUT];

			n += head_bytes(str_skip(buf_str(&l->out[DIR_OUT]), n));
			message(l, &l->out[DIR_IN], &x[answered++], DIR_IN, until_end && last);
			early(l, n);
		}
	}
	if (until_end)
		end(l, END_EOF);
}

int talk_run(const struct talk *how, struct talk_exchange *x, size_t count)
{
	static const size_t most[] = { 1, 3, 50, 700, 3000, CHUNK, CHUNK, CHUNK };
	struct talk_line l = { .how = how, .seed = how->seed };
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += x[i].side[0].body.n + x[i].side[1].body.n;
	for (int dir = 0; dir < 2; dir++)
		l.out[dir].limit = MOST;
	do /* a megabyte byte by byte says nothing that a kilobyte does not */
		l.most = most[make_below(&l.seed, COUNT_OF(most))];
	while (bytes / l.most > 10000);
	if (how->framing == TALK_H2)
		talk_h2(&l, x, count);
	else
		http1(&l, x, count);
	end(&l, END_FREE);
	buf_done(&l.out[0]);
	buf_done(&l.out[1]);
	return l.r;
}
