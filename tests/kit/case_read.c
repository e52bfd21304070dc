/* case_read.c -- a case file as its author wrote it: directives, lines of traffic, expectations. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/obj.h"
#include "case.h"
#include "make.h"

enum { SOURCE_LIMIT = 1 << 20 };

struct reader {
	struct case_file *c;
	unsigned line;
	unsigned conn, process, cgroup;
	bool fresh; /* an empty line: the next one begins a write */
	unsigned times;
	struct case_how how; /* `with`, for the next message */
	struct case_call *call;
};

void case_die(const struct case_file *c, unsigned line, const char *format, ...)
{
	va_list args;

	printf("Bail out! %s:%u: ", c->path, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(2);
}

static struct str word(struct str *rest)
{
	struct str s = str_trim(*rest), w = s;

	for (w.n = 0; w.n < s.n && s.p[w.n] != ' ' && s.p[w.n] != '\t';)
		w.n++;
	*rest = str_trim(str_skip(s, w.n));
	return w;
}

static uint64_t number(const struct reader *r, struct str s)
{
	uint64_t n = 0;

	if (str_u64(s, &n) < 0)
		case_die(r->c, r->line, "'" STR_FMT "' is no number", STR_ARG(s));
	return n;
}

static struct case_item *item_new(struct reader *r, enum case_what what)
{
	struct case_file *c = r->c;
	struct case_item *i;

	c->item = mem_grow(c->item, c->items + 1, sizeof(*c->item));
	assert(c->item);
	i = &c->item[c->items++];
	*i = (struct case_item){ .what = what,
				 .line = r->line,
				 .conn = r->conn,
				 .cgroup = r->cgroup,
				 .fresh = r->fresh,
				 .times = r->times,
				 .how = r->how,
				 .message = -1 };
	if (!c->conns && what != CASE_WAIT)
		case_die(c, r->line, "no `conn` before this line");
	r->fresh = false;
	r->times = 1;
	return i;
}

/* ---- lines of traffic: STREAM > text ------------------------------------------------------------- */

static bool is_traffic(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	if (n == s.n || (s.p[n] != '>' && s.p[n] != '<'))
		return false;
	n++;
	n += n < s.n && s.p[n] == '-';
	return n == s.n || s.p[n] == ' ';
}

static void read_traffic(struct reader *r, struct str s)
{
	struct case_item *i = item_new(r, CASE_LINE);

	while (s.p[0] >= '0' && s.p[0] <= '9') {
		i->stream = i->stream * 10 + (uint32_t)(s.p[0] - '0');
		s = str_skip(s, 1);
	}
	i->dir = s.p[0] == '>' ? DIR_OUT : DIR_IN;
	s = str_skip(s, 1);
	i->lost = s.n && s.p[0] == '-';
	s = str_skip(s, i->lost);
	i->text = str_skip(s, 1);
}

static enum flow_dir read_dir(struct reader *r, struct str w)
{
	if (!str_eq(w, S(">")) && !str_eq(w, S("<")))
		case_die(r->c, r->line, "'>' or '<' expected");
	return w.p[0] == '>' ? DIR_OUT : DIR_IN;
}

/* ---- directives ------------------------------------------------------------------------------------ */

static void do_title(struct reader *r, struct str rest)
{
	if (rest.n > 1 && rest.p[0] == '"' && rest.p[rest.n - 1] == '"')
		rest = (struct str){ rest.p + 1, rest.n - 2 };
	r->c->title = rest;
}

static void do_cgroup(struct reader *r, struct str rest)
{
	if (r->c->cgroups == CASE_GROUPS)
		case_die(r->c, r->line, "too many cgroups");
	r->c->cgroup[r->c->cgroups++] = rest;
	r->cgroup = (unsigned)r->c->cgroups;
}

static void do_process(struct reader *r, struct str rest)
{
	r->process = (unsigned)number(r, word(&rest));
}

static void do_conn(struct reader *r, struct str rest)
{
	struct case_file *c = r->c;
	struct case_conn *n = &c->conn[c->conns];
	struct str w;

	if (c->conns == CASE_CONNS)
		case_die(c, r->line, "too many connections");
	r->conn = (unsigned)c->conns++;
	r->fresh = true;
	*n = (struct case_conn){ .host = word(&rest),
				 .process = r->process,
				 .obj = 0x1000 + c->conns };
	w = word(&rest);
	n->speaks = str_eq(w, S("h2")) ? CASE_H2 : str_eq(w, S("ws")) ? CASE_WS : CASE_H1;
	if (n->speaks == CASE_H1 && !str_eq(w, S("h1")))
		case_die(c, r->line, "conn HOST h1|h2|ws");
	for (w = word(&rest); w.n; w = word(&rest)) {
		n->plain |= str_eq(w, S("plain"));
		n->midway |= str_eq(w, S("midway"));
		n->bare |= str_eq(w, S("bare"));
		if (str_eq(w, S("reuse")) && c->conns > 1) /* the TLS object is used again */
			n->obj = n[-1].obj;
		else if (!str_eq(w, S("plain")) && !str_eq(w, S("midway")) && !str_eq(w, S("bare")))
			case_die(c, r->line, "'" STR_FMT "' of a connection", STR_ARG(w));
	}
}

static void do_on(struct reader *r, struct str rest)
{
	uint64_t n = number(r, word(&rest));

	if (n == 0 || n > r->c->conns)
		case_die(r->c, r->line, "no such connection");
	r->conn = (unsigned)n - 1;
	r->fresh = true;
}

static void do_times(struct reader *r, struct str rest)
{
	r->times = (unsigned)number(r, word(&rest));
}

static void do_with(struct reader *r, struct str rest)
{
	for (struct str w = word(&rest), key; w.n; w = word(&rest)) {
		struct case_how *h = &r->how;

		if (!str_cut(&w, &key, '='))
			key = w, w = STR_NONE;
		if (str_eq(key, S("as-is")))
			h->as_is = true;
		else if (str_eq(key, S("members")))
			h->members = true;
		else if (str_eq(key, S("unfinished")))
			h->unfinished = true;
		else if (str_eq(key, S("priority")))
			h->priority = true;
		else if (str_eq(key, S("plain")))
			h->plain = true;
		else if (str_eq(key, S("binary")))
			h->binary = true;
		else if (str_eq(key, S("coding")))
			h->coding = w;
		else if (str_eq(key, S("fragment")))
			h->fragment = number(r, w);
		else if (str_eq(key, S("continuation")))
			h->continuation = number(r, w);
		else if (str_eq(key, S("padding")))
			h->padded = true, h->pad = number(r, w);
		else
			case_die(r->c, r->line, "with '" STR_FMT "'", STR_ARG(key));
	}
}

static void do_trailer(struct reader *r, struct str rest)
{
	if (r->how.trailers == CASE_TRAILERS)
		case_die(r->c, r->line, "too many trailers");
	r->how.trailer[r->how.trailers++] = rest;
}

static unsigned frame_type(struct reader *r, struct str w)
{
	static const char *const h2[] = { "data",          "headers",      "priority", "rst_stream",
					  "settings",      "push_promise", "ping",     "goaway",
					  "window_update", "continuation" };
	static const char *const ws[] = { "continue", "text", "binary", "",     "",    "",
					  "",         "",     "close",  "ping", "pong" };
	bool is_h2 = r->c->conn[r->conn].speaks == CASE_H2;

	for (unsigned i = 0; i < (is_h2 ? COUNT_OF(h2) : COUNT_OF(ws)); i++)
		if (w.n && str_eq(w, str_of((is_h2 ? h2 : ws)[i])))
			return i;
	return (unsigned)number(r, w);
}

static void do_frame(struct reader *r, struct str rest)
{
	bool is_h2 = r->c->conns && r->c->conn[r->conn].speaks == CASE_H2;
	struct case_item *i = item_new(r, CASE_FRAME);
	struct str w = word(&rest);

	i->lost = w.n == 2 && w.p[1] == '-';
	i->dir = read_dir(r, str_head(w, 1));
	i->type = frame_type(r, word(&rest));
	i->flags = (unsigned)number(r, word(&rest));
	if (is_h2)
		i->stream = (uint32_t)number(r, word(&rest));
	i->text = rest;
}

static void do_end(struct reader *r, struct str rest)
{
	static const char *const names[] = { "", "eof", "free", "exec", "exit", "stop" };
	struct case_item *i = item_new(r, CASE_END);
	struct str w = word(&rest);

	for (unsigned n = END_EOF; n < COUNT_OF(names); n++)
		if (str_eq(w, str_of(names[n])))
			i->end = (enum flow_end)n;
	if (!i->end)
		case_die(r->c, r->line, "end free|eof >|eof <|exit|exec|stop");
	if (i->end == END_EOF)
		i->dir = read_dir(r, word(&rest));
}

static void do_wait(struct reader *r, struct str rest)
{
	struct case_item *i = item_new(r, CASE_WAIT);

	i->ns = number(r, word(&rest)) * (str_eq(rest, S("ms")) ? 1000000 : 1000000000);
	if (!str_eq(rest, S("ms")) && !str_eq(rest, S("s")))
		case_die(r->c, r->line, "wait N s|ms");
}

static void do_at(struct reader *r, struct str rest)
{
	if (clock_parse(rest, &r->c->at_ns) < 0)
		case_die(r->c, r->line, "at TIME, as 2026-11-02T12:00:00Z");
}

static void do_loose(struct reader *r, struct str rest)
{
	(void)rest;
	r->c->loose = true;
}

static void do_oversize(struct reader *r, struct str rest)
{
	(void)rest;
	r->c->oversize = true;
}

/* ---- expectations ------------------------------------------------------------------------------------ */

static int leaf_named(struct str name)
{
	static const char *const names[] = {
#define LEAF(name, text, words) text,
#include "tbl/leaf.h"
#undef LEAF
	};

	for (int i = 0; i < LEAF_COUNT; i++)
		if (str_eq(name, str_of(names[i])))
			return i;
	return -1;
}

static void expect_usage(struct reader *r, struct str rest)
{
	struct case_call *call = &r->c->call[r->c->calls];

	if (r->c->calls++ == CASE_CALLS)
		case_die(r->c, r->line, "too many calls");
	*call = (struct case_call){ .line = r->line,
				    .provider = word(&rest),
				    .model = word(&rest) };
	if (!call->model.n)
		case_die(r->c, r->line, "expect usage PROVIDER MODEL LEAF=N...");
	for (struct str w = word(&rest), key; w.n; w = word(&rest)) {
		int leaf = str_cut(&w, &key, '=') ? leaf_named(key) : -1;

		if (leaf < 0)
			case_die(r->c, r->line, "no such unit: '" STR_FMT "'", STR_ARG(w));
		leaf_set(&call->used, leaf, number(r, w));
	}
	r->call = call;
}

static void expect_call(struct reader *r, struct str rest)
{
	struct case_call *call = r->call;

	for (struct str w = word(&rest), key; w.n; w = word(&rest)) {
		if (!call || !str_cut(&w, &key, '=') || call->count == CASE_PAIRS)
			case_die(r->c, r->line, "expect call KEY=VALUE... after expect usage");
		call->is[call->count++] = (struct case_pair){ key, w };
	}
}

static void expect_charge(struct reader *r, struct str rest)
{
	struct case_call *call = r->call;
	bool bounds = false;

	for (struct str w = word(&rest), key; w.n; w = word(&rest)) {
		int64_t n;

		if (!call || !str_cut(&w, &key, '='))
			case_die(r->c, r->line, "expect charge pico=N after expect usage");
		n = (int64_t)number(r, w);
		call->charged = true;
		if (str_eq(key, S("pico")))
			call->pico = n;
		else if (str_eq(key, S("low")))
			call->low_pico = n, bounds = true;
		else if (str_eq(key, S("high")))
			call->high_pico = n, bounds = true;
		else
			case_die(r->c, r->line, "charge '" STR_FMT "'", STR_ARG(key));
	}
	if (call && !bounds)
		call->low_pico = call->high_pico = call->pico;
}

/* skipped NAME=N, count NAME == N, limit NAME == N: "*" is any number but 0 */
static void expect_other(struct reader *r, struct str what, struct str rest)
{
	struct case_file *c = r->c;
	struct str name = word(&rest), value = name;

	if (c->others == CASE_OTHERS)
		case_die(c, r->line, "too many expectations");
	if (!str_cut(&value, &name, '=')) {
		if (!str_eq(word(&rest), S("==")))
			case_die(c, r->line, "expect " STR_FMT " NAME == N", STR_ARG(what));
		value = word(&rest);
	}
	/* "skipped server=9": key is everything from `skipped` to the name */
	c->other[c->others++] =
		(struct case_pair){ { what.p, (size_t)(name.p + name.n - what.p) }, value };
}

static void do_expect(struct reader *r, struct str rest)
{
	struct str what = word(&rest);

	if (str_eq(what, S("usage")))
		expect_usage(r, rest);
	else if (str_eq(what, S("call")))
		expect_call(r, rest);
	else if (str_eq(what, S("charge")))
		expect_charge(r, rest);
	else if (str_eq(what, S("skipped")) || str_eq(what, S("count")) || str_eq(what, S("limit")))
		expect_other(r, what, rest);
	else
		case_die(r->c, r->line, "expect what?");
}

/* ---- the file ------------------------------------------------------------------------------------------ */

static const struct {
	const char *word;
	void (*read)(struct reader *r, struct str rest);
} directives[] = { { "title", do_title },       { "cgroup", do_cgroup },
		   { "conn", do_conn },         { "on", do_on },
		   { "process", do_process },   { "x", do_times },
		   { "with", do_with },         { "trailer", do_trailer },
		   { "frame", do_frame },       { "end", do_end },
		   { "wait", do_wait },         { "at", do_at },
		   { "oversize", do_oversize }, { "loose", do_loose },
		   { "expect", do_expect } };

/* A comment ends a directive, not a line of traffic. */
static struct str uncommented(struct str s)
{
	for (size_t n = 1; n < s.n; n++)
		if (s.p[n] == '#' && (s.p[n - 1] == ' ' || s.p[n - 1] == '\t'))
			return str_trim(str_head(s, n));
	return str_trim(s);
}

static void read_line(struct reader *r, struct str s)
{
	struct str rest, w;

	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_skip(s, 1);
	if (!s.n) {
		r->fresh = true;
		return;
	}
	if (is_traffic(s)) {
		read_traffic(r, s);
		r->how = (struct case_how){ 0 };
		return;
	}
	if (s.p[0] == '#')
		return;
	rest = uncommented(s);
	w = word(&rest);
	for (size_t i = 0; i < COUNT_OF(directives); i++)
		if (str_eq(w, str_of(directives[i].word))) {
			directives[i].read(r, rest);
			return;
		}
	case_die(r->c, r->line, "'" STR_FMT "' means nothing", STR_ARG(w));
}

static void slurp(struct case_file *c)
{
	int fd = open(c->path, O_RDONLY | O_CLOEXEC);
	char room[16384];
	ssize_t n;

	if (fd < 0)
		case_die(c, 0, "cannot be opened");
	while ((n = read(fd, room, sizeof(room))) > 0)
		make_add(&c->source, (struct str){ room, (size_t)n });
	close(fd);
}

struct case_file *case_read(const char *path)
{
	struct case_file *c = mem_zero(1, sizeof(*c));
	struct reader r = { .c = c, .process = 1, .cgroup = 1, .times = 1, .fresh = true };
	struct str rest, line;

	assert(c);
	c->path = path;
	do_at(&r, S("2026-11-02T12:00:00Z"));
	c->source.limit = SOURCE_LIMIT;
	slurp(c);
	for (rest = buf_str(&c->source); rest.n;) {
		if (!str_cut(&rest, &line, '\n'))
			line = rest, rest = STR_NONE;
		r.line++;
		read_line(&r, line);
	}
	if (!c->title.n)
		case_die(c, 1, "no title");
	if (!c->cgroups)
		c->cgroup[c->cgroups++] = S("/case");
	return c;
}

void case_free(struct case_file **pc)
{
	struct case_file *c = *pc;

	*pc = NULL;
	if (!c)
		return;
	buf_done(&c->source);
	mem_free(c->item);
	mem_free(c);
}
