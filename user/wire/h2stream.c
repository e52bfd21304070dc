/* h2stream.c -- what happens to a stream, in the words of exchange.h. */
#include <utlist.h>
#include "base/limit.h"
#include "base/obj.h"
#include "wire/h2stream.h"

/* ---- the list -------------------------------------------------------------------------------- */

struct h2_stream *h2stream_find(const struct h2_streams *l, uint32_t id)
{
	struct h2_stream *s;

	DL_FOREACH(l->first, s)
	if (s->id == id)
		return s;
	return NULL;
}

/* Was it sent back unread (RFC 9113 section 8.7), so that a client may ask again? An answer, even one that may have been
 * missed, says otherwise. */
static bool stream_refused(const struct h2_streams *l, const struct h2_stream *s)
{
	return (s->refused || s->id > l->farewell) && !s->hole && !s->x->side[DIR_IN].head;
}

static int stream_close(struct h2_streams *l, struct h2_stream *s, enum why why, bool aborted)
{
	bool refused = stream_refused(l, s);
	int r;

	DL_DELETE(l->first, s);
	l->count--;
	socket_free(&s->socket);
	r = exchange_end(&s->x, l->now_ns, refused ? WHY_REFUSED : why, aborted && !refused);
	mem_free(s);
	return r;
}

void h2stream_done(struct h2_streams *l)
{
	struct h2_stream *s, *next;

	DL_FOREACH_SAFE(l->first, s, next)
	{
		DL_DELETE(l->first, s);
		socket_free(&s->socket);
		exchange_free(&s->x);
		mem_free(s);
	}
	l->count = 0;
}

int h2stream_fail(struct h2_streams *l, struct h2_stream *s, enum why why)
{
	int r = 0, closed;

	for (int dir = DIR_OUT; r == 0 && dir <= DIR_IN; dir++)
		r = h2stream_cut(l, s, dir, why);
	closed = stream_close(l, s, why, false);
	return r < 0 ? r : closed;
}

int h2stream_fail_all(struct h2_streams *l, enum why why)
{
	int first = 0;

	while (l->first) {
		int r = h2stream_fail(l, l->first, why);

		first = first < 0 ? first : r;
	}
	return first;
}

/* Where there are too many, one whose end may have been lost makes room: it may wait for ever. */
static int stream_room(struct h2_streams *l)
{
	struct h2_stream *s;

	if (l->count < LIMIT_H2_STREAMS)
		return 0;
	DL_FOREACH(l->first, s)
	if (s->hole)
		return h2stream_fail(l, s, l->missed);
	return 0;
}

static int stream_open(struct h2_streams *l, const struct h2_place *at, uint32_t id, uint64_t off,
		       struct h2_stream **ret)
{
	struct h2_stream *s;
	int r = stream_room(l);

	if (r < 0)
		return r;
	s = mem_zero(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	r = exchange_new(l->env, &at->from, off, &s->x);
	if (r < 0) {
		mem_free(s);
		return r;
	}
	s->id = id;
	DL_APPEND(l->first, s);
	l->count++;
	*ret = s;
	return 0;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

int h2stream_cut(struct h2_streams *l, struct h2_stream *s, enum flow_dir dir, enum why why)
{
	s->counted[dir] = false;
	if (s->socket)
		return socket_break(s->socket, dir, l->now_ns, why);
	return s->x->side[dir].head ? exchange_cut(s->x, dir, l->now_ns, why) : 0;
}

/* A stretch of a WebSocket. */
static int stream_socket(struct h2_streams *l, struct h2_stream *s, struct piece in)
{
	int r;

	in.from = &s->x->from;
	in.at_ns = l->now_ns;
	in.off = s->at[in.dir];
	s->at[in.dir] += in.bytes.n + in.gap;
	r = socket_feed(s->socket, &in);
	if (r == -EBADMSG && l->env->sink_r == 0)
		return h2stream_fail(l, s, WHY_DESYNC);
	if (r < 0)
		return r;
	return socket_closed(s->socket) ? stream_close(l, s, WHY_NONE, false) : 0;
}

/* Its stream ends without a goodbye. */
static int stream_hang_up(struct h2_streams *l, struct h2_stream *s, enum flow_dir dir)
{
	int r = socket_end(s->socket, dir, l->now_ns, WHY_ABORTED);

	if (r < 0 || !socket_deaf(s->socket, DIR_OUT) || !socket_deaf(s->socket, DIR_IN))
		return r;
	return stream_close(l, s, WHY_ABORTED, true);
}

int h2stream_gap(struct h2_streams *l, struct h2_stream *s, enum flow_dir dir, uint64_t bytes)
{
	if (s->socket && bytes != H2FRAME_UNKNOWN)
		return stream_socket(l, s,
				     (struct piece){ .kind = PIECE_GAP, .dir = dir, .gap = bytes });
	if (bytes == H2FRAME_UNKNOWN || !s->x->side[dir].head ||
	    (s->counted[dir] && bytes > s->due[dir]))
		return h2stream_cut(l, s, dir, WHY_GAP);
	s->due[dir] -= s->counted[dir] ? bytes : 0;
	return exchange_gap(s->x, dir, l->now_ns, bytes);
}

/* It breaks the rules, or seems to because of what was lost. */
static int stream_broken(struct h2_streams *l, struct h2_stream *s)
{
	return h2stream_fail(l, s, s->hole ? l->missed : WHY_DESYNC);
}

int h2stream_data(struct h2_streams *l, struct h2_stream *s, enum flow_dir dir, struct str bytes)
{
	struct exchange_side *side = &s->x->side[dir];
	size_t fit = s->counted[dir] ? MIN(bytes.n, s->due[dir]) : bytes.n;
	int r = 0;

	if (s->socket)
		return stream_socket(
			l, s, (struct piece){ .kind = PIECE_BYTES, .dir = dir, .bytes = bytes });
	if (side->done)
		return 0;
	if (!side->head)
		return stream_broken(l, s);
	if (dir == DIR_IN && s->empty)
		fit = 0;
	s->due[dir] -= s->counted[dir] ? fit : 0;
	if (fit)
		r = exchange_body(s->x, dir, l->now_ns, str_head(bytes, fit));
	if (r < 0 || fit == bytes.n)
		return r;
	return h2stream_cut(l, s, dir, WHY_BAD_BODY); /* more than was told */
}

int h2stream_end(struct h2_streams *l, struct h2_stream *s, enum flow_dir dir)
{
	struct exchange *x = s->x;
	int r = 0;

	if (s->socket)
		return stream_hang_up(l, s, dir);
	if (x->side[dir].done)
		return 0;
	if (!x->side[dir].head)
		return stream_broken(l, s);
	/* less than was told: RFC 9113 section 8.1.1 */
	if (s->counted[dir] && s->due[dir])
		r = h2stream_cut(l, s, dir, WHY_BAD_BODY);
	if (r == 0)
		r = exchange_done(x, dir, l->now_ns);
	if (r < 0 || !x->side[DIR_OUT].done || !x->side[DIR_IN].done)
		return r;
	return stream_close(l, s, WHY_NONE, false);
}

/* After a whole answer nothing is missing but what was still being asked: a server may stop that. */
int h2stream_reset(struct h2_streams *l, struct h2_stream *s, enum why why, bool aborted)
{
	int r = 0;

	for (int dir = DIR_OUT; s->socket && r == 0 && dir <= DIR_IN; dir++)
		r = socket_end(s->socket, dir, l->now_ns, why);
	if (r < 0)
		return r;
	/* who was told the length need not read on for the frame that ends it */
	if (!s->x->side[DIR_IN].done && s->counted[DIR_IN] && !s->due[DIR_IN])
		r = exchange_done(s->x, DIR_IN, l->now_ns);
	if (r < 0)
		return r;
	if (!s->x->side[DIR_IN].done)
		return stream_close(l, s, why, aborted);
	if (s->x->side[DIR_OUT].head)
		r = h2stream_cut(l, s, DIR_OUT, why);
	if (r < 0)
		return r;
	return stream_close(l, s, WHY_NONE, false);
}

/* ---- heads ----------------------------------------------------------------------------------- */

int h2stream_request(struct h2_streams *l, const struct h2_place *at, uint32_t id, struct h2head *h,
		     bool end, bool hole)
{
	struct part p = { .kind = PART_REQUEST, .at_ns = at->at_ns, .body_less = end };
	bool fits = h2head_request(h, &p), full;
	struct h2_stream *s = NULL;
	int r = stream_open(l, at, id, l->before | id, &s);

	if (r < 0)
		return r;
	full = l->count > LIMIT_H2_STREAMS;
	s->hole = hole;
	s->tunnel = str_eq(p.method, S("CONNECT"));
	s->websocket = s->tunnel && h2head_websocket(h);
	s->counted[DIR_OUT] = !end && h2head_length(h, &s->due[DIR_OUT]);
	r = exchange_head(s->x, &p);
	if (r < 0)
		return r;
	if (full)
		count_limit(l->env->opts->counters, H2_STREAMS);
	if (full || !fits)
		return h2stream_fail(l, s, full ? WHY_LIMIT : WHY_DESYNC);
	return end ? h2stream_end(l, s, DIR_OUT) : 0;
}

/* CONNECT was granted: HTTP ends here. */
static int stream_tunnel(struct h2_streams *l, struct h2_stream *s, struct part *p, bool end)
{
	const struct exchange_side *out = &s->x->side[DIR_OUT];
	struct str answer[HDR_COUNT];
	int r;

	if (s->websocket)
		p->header[HDR_UPGRADE] = S("websocket");
	memcpy(answer, p->header, sizeof(answer));
	p->body_less = true;
	p->upgraded =
		s->websocket && !out->done && !out->cut && !out->decoded && socket_fits(answer);
	r = exchange_head(s->x, p);
	if (r < 0)
		return r;
	if (!p->upgraded)
		return h2stream_fail(l, s, WHY_PROTOCOL);
	s->counted[DIR_OUT] = s->counted[DIR_IN] = false;
	r = socket_new(l->env, s->x, answer, &s->socket);
	return r < 0 || !end ? r : h2stream_end(l, s, DIR_IN);
}

static int stream_response(struct h2_streams *l, struct h2_stream *s, struct h2head *h, bool end)
{
	struct part p = { .kind = PART_RESPONSE, .at_ns = l->now_ns };
	bool fits = h2head_response(h, &p);
	bool early = p.status >= 100 && p.status < 200;
	int r;

	if (fits && early && !end && p.status != 101)
		return 0;
	/* without a status it may be the trailers of a response that was lost */
	if (!fits || early || (s->hole && !p.status && end))
		return stream_broken(l, s);
	s->hole |= !p.status; /* or one that tells of another to come */
	s->empty = str_eq(s->x->method, S("HEAD")) || p.status == 204 || p.status == 304;
	p.body_less = s->empty || end;
	s->counted[DIR_IN] = !p.body_less && h2head_length(h, &s->due[DIR_IN]);
	if (s->tunnel && p.status && p.status < 300)
		return stream_tunnel(l, s, &p, end);
	r = exchange_head(s->x, &p);
	if (r < 0)
		return r;
	return end ? h2stream_end(l, s, DIR_IN) : 0;
}

int h2stream_orphan(struct h2_streams *l, const struct h2_place *at, uint32_t id, struct h2head *h,
		    bool end)
{
	struct h2_stream *s = NULL;
	int r = stream_open(l, at, id, at->off | EXCHANGE_ORPHAN, &s);

	if (r < 0)
		return r;
	s->x->orphan = true;
	s->x->side[DIR_OUT].done = true;
	r = stream_response(l, s, h, end);
	if (r == 0 && l->count > LIMIT_H2_STREAMS && h2stream_find(l, id) == s) {
		count_limit(l->env->opts->counters, H2_STREAMS);
		r = h2stream_fail(l, s, WHY_LIMIT);
	}
	return r;
}

int h2stream_block(struct h2_streams *l, struct h2_stream *s, enum flow_dir dir, struct h2head *h,
		   bool end)
{
	if (s->x->side[dir].done)
		return 0;
	if (dir == DIR_IN && !s->x->side[DIR_IN].head)
		return stream_response(l, s, h, end);
	/* Without its end, or with a pseudo header, it is neither trailers nor anything else. */
	if (h2head_pseudo(h) || !end)
		return stream_broken(l, s);
	return h2stream_end(l, s, dir);
}
