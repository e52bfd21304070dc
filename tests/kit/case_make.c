/* case_make.c -- the lines of a case become the bytes of its connections.
 *
 * First pass: which lines are one message, and what its head says of its body. Second: bodies, coded. Third: everything in
 * the order of the file, a paragraph of one direction being one write. */
#include <stdio.h>
#include "base/obj.h"
#include "case.h"
#include "make.h"

enum { BYTES_LIMIT = 1 << 26 };

struct maker {
	struct case_file *c;
	struct case_acts *acts;
	struct case_talk *talk;
	bool upgraded[CASE_CONNS];
};

/* ---- first pass: messages ------------------------------------------------------------------------------ */

static struct case_message *find_open(struct maker *m, const struct case_item *i)
{
	for (size_t n = m->acts->msgs; n-- > 0;)
		if (m->acts->msg[n]->conn == i->conn && m->acts->msg[n]->dir == i->dir &&
		    m->acts->msg[n]->stream == i->stream)
			return m->acts->msg[n];
	return NULL;
}

/* "POST /x HTTP/1.1" or "HTTP/1.1 200 OK" */
static bool begins(struct str s)
{
	size_t n = 0;
	struct str rest;

	if (str_starts(s, S("HTTP/")))
		return true;
	while (n < s.n && s.p[n] >= 'A' && s.p[n] <= 'Z')
		n++;
	rest = str_skip(s, n);
	if (!n || !rest.n || rest.p[0] != ' ')
		return false;
	for (size_t i = 1; i + 7 <= rest.n; i++)
		if (memcmp(rest.p + i, " HTTP/1", 7) == 0)
			return true;
	return false;
}

static unsigned status_of(struct str s)
{
	unsigned n = 0;

	if (!str_starts(s, S("HTTP/")))
		return 0;
	while (s.n && s.p[0] != ' ')
		s = str_skip(s, 1);
	for (s = str_trim(s); s.n && s.p[0] >= '0' && s.p[0] <= '9'; s = str_skip(s, 1))
		n = n * 10 + (unsigned)(s.p[0] - '0');
	return n;
}

static struct case_message *message_new(struct maker *m, const struct case_item *i)
{
	struct case_message *x = mem_zero(1, sizeof(*x));

	m->acts->msg = mem_grow(m->acts->msg, m->acts->msgs + 1, sizeof(struct case_message *));
	assert(x && m->acts->msg);
	x->conn = i->conn;
	x->dir = i->dir;
	x->stream = i->stream;
	x->first = (size_t)(i - m->c->item);
	x->status = status_of(i->text);
	x->how = i->how;
	x->plain.limit = x->coded.limit = BYTES_LIMIT;
	m->acts->msg[m->acts->msgs++] = x;
	return x;
}

static enum case_kind kind_of(struct str type)
{
	const struct {
		struct str type;
		enum case_kind kind;
	} kinds[] = { { S("application/vnd.amazon.eventstream"), CASE_AWS },
		      { S("application/grpc"), CASE_GRPC },
		      { S("text/event-stream"), CASE_SSE },
		      { S("application/x-ndjson"), CASE_JSON_LINES } };

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (str_starts(type, kinds[i].type))
			return kinds[i].kind;
	return CASE_TEXT_BODY;
}

static void head_line(struct case_message *x, struct str s)
{
	struct str name, value = s;

	if (!str_cut(&value, &name, ':'))
		return;
	value = str_trim(value);
	if (str_ieq(name, S("content-encoding")))
		x->coding = value;
	else if (str_ieq(name, S("transfer-encoding")))
		x->chunked = str_ieq(value, S("chunked"));
	else if (str_ieq(name, S("content-length")))
		x->length_auto = str_eq(value, S("auto"));
	else if (str_ieq(name, S("sec-websocket-extensions")))
		x->extensions = value;
	else if (str_ieq(name, S("content-type")))
		x->kind = kind_of(value);
}

static void sort_line(struct maker *m, struct case_item *i)
{
	struct case_message *x = find_open(m, i);

	if (m->upgraded[i->conn])
		return;
	if (!x || (x->head_ended && begins(i->text)))
		x = message_new(m, i);
	x->last = (size_t)(i - m->c->item);
	for (size_t n = 0; n < m->acts->msgs; n++)
		if (m->acts->msg[n] == x)
			i->message = (int)n;
	i->head = !x->head_ended;
	if (!i->head)
		return;
	head_line(x, i->text);
	if (i->text.n && !str_eq(i->text, S("\\n\\")))
		return;
	x->head_ended = true;
	if (x->status == 101 && m->c->conn[i->conn].speaks == CASE_WS)
		m->upgraded[i->conn] = true;
}

/* ---- second pass: bodies --------------------------------------------------------------------------------- */

static bool same_write(const struct case_item *a, const struct case_item *b)
{
	return a->what == CASE_LINE && b->what == CASE_LINE && a->conn == b->conn &&
	       a->dir == b->dir && a->lost == b->lost && !b->fresh;
}

static void writes(struct case_file *c)
{
	for (size_t n = 0; n < c->items; n++)
		c->item[n].write =
			n == 0 ? 1
			       : c->item[n - 1].write + !same_write(&c->item[n - 1], &c->item[n]);
}

/* Is this the last line that its body writes in one go? */
static bool run_ends(const struct case_file *c, const struct case_item *i)
{
	const struct case_item *next = i + 1;

	return next == c->item + c->items || next->message != i->message || next->head ||
	       !same_write(i, next);
}

static void bodies(struct maker *m)
{
	for (size_t n = 0; n < m->c->items; n++) {
		struct case_item *i = &m->c->item[n];
		struct case_message *x = i->message < 0 ? NULL : m->acts->msg[i->message];

		if (!x || i->head)
			continue;
		case_body_line(m->c, x, i);
		i->run = x->runs;
		x->runs += run_ends(m->c, i);
	}
	for (size_t n = 0; n < m->acts->msgs; n++) {
		case_body_code(m->c, m->acts->msg[n]);
		m->acts->plain += m->acts->msg[n]->plain.n;
	}
}

/* ---- third pass: bytes ------------------------------------------------------------------------------------- */

static struct case_act *act_new(struct maker *m, enum case_what what, const struct case_item *i)
{
	struct case_acts *a = m->acts;

	a->act = mem_grow(a->act, a->count + 1, sizeof(*a->act));
	assert(a->act);
	a->act[a->count] = (struct case_act){ .what = what,
					      .conn = i->conn,
					      .cgroup = i->cgroup,
					      .write = i->write,
					      .dir = i->dir,
					      .lost = i->lost,
					      .at = a->bytes.n,
					      .end = i->end,
					      .ns = i->ns };
	return &a->act[a->count++];
}

/* What was appended since belongs to this write. */
static void act_close(struct maker *m, const struct case_item *i)
{
	struct case_act *last = m->acts->count ? &m->acts->act[m->acts->count - 1] : NULL;
	size_t from = last ? last->at + last->n : 0;

	if (m->acts->bytes.n == from)
		return;
	if (!last || last->what != CASE_LINE || last->write != i->write) {
		last = act_new(m, CASE_LINE, i);
		last->at = from;
	}
	last->n = m->acts->bytes.n - last->at;
}

static void emit_head(struct maker *m, struct case_message *x, const struct case_item *i)
{
	struct buf *out = &m->acts->bytes;

	if (m->c->conn[i->conn].speaks == CASE_H2) {
		if (!i->text.n)
			case_talk_head(m->talk, x, out);
		return;
	}
	for (unsigned n = 0; n < i->times; n++) {
		if (x->length_auto && str_ieq(str_head(i->text, 15), S("content-length:")))
			make_printf(out, "Content-Length: %zu\r\n", x->coded.n);
		else if (!case_text(out, i->text))
			make_add(out, S("\r\n"));
	}
}

/* The last line of a body, or of a head that has none. */
static void emit_end(struct maker *m, struct case_message *x)
{
	struct buf *out = &m->acts->bytes;
	bool h2 = m->c->conn[x->conn].speaks == CASE_H2;

	if (x->how.unfinished || x->how.as_is)
		return;
	if (h2 && x->how.trailers)
		case_talk_trailers(m->talk, x, out);
	if (h2 || !x->chunked)
		return;
	make_add(out, S("0\r\n"));
	for (size_t n = 0; n < x->how.trailers; n++)
		make_printf(out, STR_FMT "\r\n", STR_ARG(x->how.trailer[n]));
	make_add(out, S("\r\n"));
}

static void emit_body(struct maker *m, struct case_message *x, const struct case_item *i)
{
	struct buf *out = &m->acts->bytes;
	struct str bytes = case_body_run(x, i->run);
	bool last = i->run + 1 == x->runs;

	if (m->c->conn[i->conn].speaks == CASE_H2)
		case_talk_data(m->talk, x, bytes, last && !x->how.unfinished && !x->how.trailers,
			       out);
	else if (x->chunked && !x->how.as_is && bytes.n)
		make_printf(out, "%zx\r\n", bytes.n);
	if (m->c->conn[i->conn].speaks == CASE_H2)
		return;
	make_add(out, bytes);
	if (x->chunked && !x->how.as_is && bytes.n)
		make_add(out, S("\r\n"));
}

static void emit_line(struct maker *m, const struct case_item *i)
{
	struct case_message *x = i->message < 0 ? NULL : m->acts->msg[i->message];

	if (!x) {
		case_talk_message(m->talk, i, &m->acts->bytes);
		return;
	}
	if (i->head)
		emit_head(m, x, i);
	else if (run_ends(m->c, i))
		emit_body(m, x, i);
	if (i == &m->c->item[x->last] && x->head_ended)
		emit_end(m, x);
	if (i->head && !i->text.n && x->status == 101 && m->c->conn[i->conn].speaks == CASE_WS)
		case_talk_upgrade(m->talk, x);
}

/* HTTP/2 begins with frames that nobody cares to write down: a write of their own. */
static void emit_preface(struct maker *m, const struct case_item *i)
{
	struct case_act *a;
	size_t from = m->acts->bytes.n;

	if (m->c->conn[i->conn].speaks != CASE_H2)
		return;
	case_talk_preface(m->talk, i->conn, i->dir, &m->acts->bytes);
	if (m->acts->bytes.n == from)
		return;
	a = act_new(m, CASE_LINE, i);
	a->write = 0;
	a->at = from;
	a->n = m->acts->bytes.n - from;
}

static void emit(struct maker *m, const struct case_item *i)
{
	if (i->what == CASE_END || i->what == CASE_WAIT) {
		act_new(m, i->what, i);
		return;
	}
	emit_preface(m, i);
	if (i->what == CASE_LINE)
		emit_line(m, i);
	else
		case_talk_frame(m->talk, i, &m->acts->bytes);
	act_close(m, i);
}

/* Every connection is closed at last; for one that has ended that says nothing new. */
static void emit_ends(struct maker *m)
{
	for (unsigned n = 0; n < m->c->conns; n++)
		act_new(m, CASE_END,
			&(struct case_item){ .conn = n, .cgroup = 1, .end = END_FREE });
}

void case_make(struct case_file *c, struct case_acts *ret)
{
	struct maker m = { .c = c, .acts = ret };

	*ret = (struct case_acts){ .bytes = { .limit = BYTES_LIMIT } };
	m.talk = case_talk_new(c);
	for (size_t i = 0; i < c->items; i++)
		if (c->item[i].what == CASE_LINE)
			sort_line(&m, &c->item[i]);
	writes(c);
	bodies(&m);
	for (size_t i = 0; i < c->items; i++)
		emit(&m, &c->item[i]);
	emit_ends(&m);
	case_talk_free(&m.talk);
}

void case_acts_done(struct case_acts *a)
{
	for (size_t n = 0; n < a->msgs; n++) {
		buf_done(&a->msg[n]->plain);
		buf_done(&a->msg[n]->coded);
		mem_free(a->msg[n]);
	}
	mem_free(a->msg);
	mem_free(a->act);
	buf_done(&a->bytes);
	*a = (struct case_acts){ 0 };
}
