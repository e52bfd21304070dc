/* case_talk.c -- connections of a case that are more than text: HTTP/2 frames, WebSocket messages after the handshake. */
#include <stdio.h>
#include "base/obj.h"
#include "case.h"
#include "make.h"

enum { TEXT_LIMIT = 1 << 24, FIELDS = 200, TABLE = 4096 };

struct talk_conn {
	bool started, said[2], upgraded;
	struct make_h2 h2[2];
	struct make_ws ws[2];
};

struct case_talk {
	const struct case_file *c;
	struct buf none;
	struct talk_conn conn[CASE_CONNS];
};

struct case_talk *case_talk_new(const struct case_file *c)
{
	struct case_talk *t = mem_zero(1, sizeof(*t));

	assert(t);
	t->c = c;
	t->none.limit = TEXT_LIMIT;
	return t;
}

void case_talk_free(struct case_talk **pt)
{
	struct case_talk *t = *pt;

	*pt = NULL;
	if (!t)
		return;
	for (size_t i = 0; i < t->c->conns; i++)
		for (int dir = 0; dir < 2; dir++) {
			if (t->conn[i].started)
				make_h2_done(&t->conn[i].h2[dir]);
			make_ws_done(&t->conn[i].ws[dir]);
		}
	buf_done(&t->none);
	mem_free(t);
}

/* ---- HTTP/2 ------------------------------------------------------------------------------------------ */

static struct make_h2 *talk_h2(struct case_talk *t, unsigned conn, enum flow_dir dir,
			       struct buf *out)
{
	struct talk_conn *n = &t->conn[conn];

	if (!n->started) {
		make_h2_init(&n->h2[0], out, TABLE);
		make_h2_init(&n->h2[1], out, TABLE);
		n->started = true;
	}
	n->h2[dir].out = out;
	return &n->h2[dir];
}

void case_talk_preface(struct case_talk *t, unsigned conn, enum flow_dir dir, struct buf *out)
{
	static const uint32_t streams[][2] = { { 3, 100 } };
	struct make_h2 *h = talk_h2(t, conn, dir, out);

	if (t->conn[conn].said[dir] || t->c->conn[conn].bare)
		return;
	t->conn[conn].said[dir] = true;
	if (dir == DIR_OUT)
		make_h2_preface(h);
	make_h2_settings(h, streams, COUNT_OF(streams));
}

static struct make_frame talk_shape(const struct case_message *m, bool end)
{
	return (struct make_frame){ .end = end,
				    .padded = m->how.padded,
				    .pad = m->how.pad,
				    .priority = m->how.priority,
				    .fragment = m->how.fragment };
}

struct fields {
	struct make_field f[FIELDS];
	size_t count, text;
	char room[65536];
};

static struct str keep(struct fields *f, struct str s, bool lower)
{
	char *to = f->room + f->text;

	assert(f->text + s.n <= sizeof(f->room));
	for (size_t i = 0; i < s.n; i++)
		to[i] = lower && s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
	f->text += s.n;
	return (struct str){ to, s.n };
}

static void field(struct fields *f, struct str name, struct str value)
{
	assert(f->count < FIELDS);
	f->f[f->count++] = (struct make_field){ keep(f, name, true), keep(f, value, false), false };
}

/* "name: value"; a name may begin with a colon */
static void field_line(struct fields *f, const struct case_message *m, struct str s)
{
	size_t n = 1;

	while (n < s.n && s.p[n] != ':')
		n++;
	if (m->length_auto && str_ieq(str_head(s, n), S("content-length"))) {
		char length[24];

		snprintf(length, sizeof(length), "%zu", m->coded.n);
		field(f, S("content-length"), str_of(length));
		return;
	}
	field(f, str_head(s, n), str_trim(str_skip(s, n + 1)));
}

/* "POST /path", "HTTP/2 200" */
static void first_line(struct case_talk *t, struct fields *f, const struct case_message *m,
		       struct str s)
{
	struct str head = STR_NONE;

	str_cut(&s, &head, ' ');
	if (m->status) {
		field(f, S(":status"), str_trim(s));
		return;
	}
	field(f, S(":method"), head);
	field(f, S(":scheme"), S("https"));
	field(f, S(":authority"), t->c->conn[m->conn].host);
	field(f, S(":path"), str_trim(s));
}

void case_talk_head(struct case_talk *t, const struct case_message *m, struct buf *out)
{
	struct make_h2 *h = talk_h2(t, m->conn, m->dir, out);
	struct fields *f = mem_zero(1, sizeof(*f));
	struct buf text = { .limit = TEXT_LIMIT };
	struct make_frame how = talk_shape(m, !m->runs && !m->how.unfinished && !m->how.trailers &&
						      (!m->status || m->status >= 200));

	assert(f);
	for (size_t i = m->first; i <= m->last; i++) {
		const struct case_item *line = &t->c->item[i];

		if (line->message != t->c->item[m->first].message || !line->head)
			continue;
		for (unsigned n = 0; n < line->times; n++) {
			buf_reset(&text);
			case_text(&text, line->text);
			if (i == m->first)
				first_line(t, f, m, buf_str(&text));
			else if (text.n)
				field_line(f, m, buf_str(&text));
		}
	}
	how.fragment = m->how.continuation;
	make_h2_headers(h, m->stream, f->f, f->count, &how);
	buf_done(&text);
	mem_free(f);
}

void case_talk_data(struct case_talk *t, const struct case_message *m, struct str bytes, bool end,
		    struct buf *out)
{
	struct make_frame how = talk_shape(m, end);

	make_h2_data(talk_h2(t, m->conn, m->dir, out), m->stream, bytes, &how);
}

void case_talk_trailers(struct case_talk *t, const struct case_message *m, struct buf *out)
{
	struct make_frame how = { .end = true };
	struct fields *f = mem_zero(1, sizeof(*f));

	assert(f);
	for (size_t i = 0; i < m->how.trailers; i++)
		field_line(f, m, m->how.trailer[i]);
	make_h2_headers(talk_h2(t, m->conn, m->dir, out), m->stream, f->f, f->count, &how);
	mem_free(f);
}

/* ---- WebSocket ------------------------------------------------------------------------------------------- */

static bool has(struct str s, struct str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (memcmp(s.p + i, part.p, part.n) == 0)
			return true;
	return false;
}

/* "; client_max_window_bits=10" */
static int window(struct str s, struct str name)
{
	for (size_t i = 0; i + name.n < s.n; i++)
		if (memcmp(s.p + i, name.p, name.n) == 0) {
			struct str digits = str_skip(s, i + name.n);
			int n = 0;

			for (; digits.n && digits.p[0] >= '0' && digits.p[0] <= '9';
			     digits = str_skip(digits, 1))
				n = n * 10 + digits.p[0] - '0';
			return n;
		}
	return 0;
}

void case_talk_upgrade(struct case_talk *t, const struct case_message *answer)
{
	struct talk_conn *n = &t->conn[answer->conn];
	struct str e = answer->extensions;
	bool deflate = has(e, S("permessage-deflate"));
	struct make_ws_how out = { .client = true,
				   .deflate = deflate,
				   .fresh = has(e, S("client_no_context_takeover")),
				   .window = window(e, S("client_max_window_bits=")) };
	struct make_ws_how in = { .deflate = deflate,
				  .fresh = has(e, S("server_no_context_takeover")),
				  .window = window(e, S("server_max_window_bits=")) };

	make_ws_init(&n->ws[DIR_OUT], &t->none, &out);
	make_ws_init(&n->ws[DIR_IN], &t->none, &in);
	n->upgraded = true;
}

bool case_talk_upgraded(const struct case_talk *t, unsigned conn)
{
	return t->conn[conn].upgraded;
}

void case_talk_message(struct case_talk *t, const struct case_item *i, struct buf *out)
{
	struct make_ws *w = &t->conn[i->conn].ws[i->dir];
	struct buf text = { .limit = TEXT_LIMIT };

	case_text(&text, i->text);
	w->out = out;
	w->plain = i->how.plain;
	for (unsigned n = 0; n < i->times; n++)
		make_ws_message(w, i->how.binary ? MAKE_BINARY : MAKE_TEXT, buf_str(&text),
				i->how.fragment);
	buf_done(&text);
}

/* ---- frames in the raw -------------------------------------------------------------------------------------- */

void case_talk_frame(struct case_talk *t, const struct case_item *i, struct buf *out)
{
	struct talk_conn *n = &t->conn[i->conn];
	struct buf text = { .limit = TEXT_LIMIT };

	case_text(&text, i->text);
	if (!n->upgraded && t->c->conn[i->conn].speaks != CASE_H2)
		case_die(t->c, i->line, "a frame before the handshake");
	n->ws[i->dir].out = out;
	for (unsigned times = 0; times < i->times; times++) {
		if (n->upgraded)
			make_ws_frame(&n->ws[i->dir], i->flags | i->type, buf_str(&text));
		else
			make_h2_frame(talk_h2(t, i->conn, i->dir, out), i->type, i->flags,
				      i->stream, buf_str(&text));
	}
	buf_done(&text);
}
