/* pair.c -- HTTP/1 on one connection: the n-th response answers the n-th request.
 *
 * What is done about loss, and why it is never wrong:
 * - A gap inside a counted body, a chunk, or a body that only the end delimits moves nothing but
 *   that body: it is cut, framing goes on exactly.
 * - Any other gap loses its direction until the next provable start of a message. Requests lost:
 *   their responses, if theirs is whole, are poured as orphans. The direction is found again by a
 *   piece that begins with a whole request line (clients write a head at the start of a TLS
 *   write), but only while no seen request waits for its response: its own body could still be
 *   passing by, and bodies may look like anything. Responses lost: every open exchange ends. The
 *   direction is found again by the piece that begins with a status line, if it is the very next
 *   one after a new request was seen; anything else first, and that request is given up too.
 * - A client that has been seen to pipeline is not found again: counting is impossible across a
 *   hole.
 * - Not provable: a client that pipelines, and was not seen to do so before the hole, or before we joined, looks like any
 *   other. Its next response may be that of an earlier request. No client of an API is known to pipeline.
 * - An orphan may answer a HEAD and then has no body whatever its head says. So an orphan whose body begins like a status
 *   line is a desync, and a new request ends an orphan that is not complete.
 * - An orphan on a connection whose requests were seen answers a lost one: the hole shows when the client writes next. If
 *   there is none then, nobody asked for it: a desync, since what comes after it would be paired with the wrong requests.
 * - An orphan before any request was seen answers one from before we joined, or else its answer was faster than the news of
 *   it: two threads of a client read and write. Then the first request waits in vain and a second one is a desync. */
#include <utlist.h>
#include "base/obj.h"
#include "wire/http1.h"
#include "wire/queue.h"
#include "wire/socket.h"
#include "wire/tunnel.h"

struct pair {
	unsigned magic;
#define PAIR_MAGIC 0x9a120001u
	struct proto_env *env;
	struct http1 *read[2]; /* requests written, responses read */
	bool lost[2];          /* waiting for a provable start in this direction */
	enum skip missed;      /* the reason for bytes skipped meanwhile */
	bool piped;            /* a request was written before the response to the one before */
	bool upgraded;         /* HTTP has ended here */
	bool asked;            /* a request was seen, and none is known to be lost since */
	bool stray;            /* and yet an answer came that none of them asked for */
	bool ahead;            /* one came before any request was seen, and none for one since */
	struct tunnel *tunnel; /* and a WebSocket goes on, which has taken over */
	struct queue open;
	struct exchange *sending;    /* among `open`, being written; NULL: none, or given up */
	struct origin begin_from[2]; /* of the message under way in a direction: where it began */
	uint64_t begin_off[2], begin_ns[2];
	uint64_t now_ns; /* of the piece being fed */
};

/* ---- the list of open exchanges -------------------------------------------------------------- */

static int pair_close(struct pair *p, struct exchange *x, enum why why, bool aborted)
{
	if (p->sending == x)
		p->sending = NULL;
	return queue_close(&p->open, x, p->now_ns, why, aborted);
}

static int pair_close_if_done(struct pair *p, struct exchange *x)
{
	return x->side[DIR_OUT].done && x->side[DIR_IN].done ? pair_close(p, x, WHY_NONE, false)
							     : 0;
}

static int pair_close_all(struct pair *p, enum why why)
{
	p->sending = NULL;
	return queue_close_all(&p->open, p->now_ns, why);
}

static enum why pair_why(const struct pair *p)
{
	return p->missed == SKIP_MIDSTREAM ? WHY_MIDSTREAM : WHY_GAP;
}

static void pair_lose(struct pair *p, enum flow_dir dir)
{
	p->lost[dir] = true;
	if (dir == DIR_OUT)
		p->asked = p->stray = false;
	http1_reset(p->read[dir]);
}

/* ---- requests -------------------------------------------------------------------------------- */

static int request_head(void *ctx, const struct http1_head *h)
{
	struct pair *p = ctx;
	struct part part = { .kind = PART_REQUEST, .at_ns = p->begin_ns[DIR_OUT] };
	struct exchange *x = NULL;
	int r;

	if (p->stray || (p->ahead && p->open.first)) /* no hole: who answers whom? */
		return -EBADMSG;
	r = queue_open(&p->open, &p->begin_from[DIR_OUT], p->begin_off[DIR_OUT], &x);
	if (r < 0)
		return r;
	p->sending = x;
	p->asked = true;
	if (p->open.first == x)
		http1_expect(p->read[DIR_IN], h->method);
	part.method = h->method;
	part.target = h->target;
	part.body_less = h->body_less;
	memcpy(part.header, h->header, sizeof(part.header));
	return exchange_head(x, &part);
}

static int request_body(void *ctx, struct str bytes)
{
	struct pair *p = ctx;

	return p->sending ? exchange_body(p->sending, DIR_OUT, p->now_ns, bytes) : 0;
}

static int request_end(void *ctx)
{
	struct pair *p = ctx;
	struct exchange *x = p->sending;
	int r;

	if (!x)
		return 0;
	p->sending = NULL;
	r = exchange_done(x, DIR_OUT, p->now_ns);
	return r < 0 ? r : pair_close_if_done(p, x);
}

static const struct http1_calls request_calls = { request_head, request_body, request_end };

/* ---- responses ------------------------------------------------------------------------------- */

static int orphan_open(struct pair *p, struct exchange **ret)
{
	int r = queue_open(&p->open, &p->begin_from[DIR_IN], p->begin_off[DIR_IN] | EXCHANGE_ORPHAN,
			   ret);

	if (r < 0)
		return r;
	(*ret)->orphan = true;
	p->stray = p->asked;
	p->ahead = !p->asked;
	(*ret)->side[DIR_OUT].done = true;
	return 0;
}

/* Response bytes without a hole before them, while two requests are open: that is pipelining. The
 * second request alone proves nothing: the end of the first response may be lost, which is known
 * only when more follows. */
static void pair_watch(struct pair *p)
{
	p->piped |= p->open.count > 1;
}

/* A WebSocket can be read from its first byte if nothing but the request was written before it. */
static bool pair_quiet(const struct pair *p)
{
	return p->open.count == 1 && !p->open.first->orphan && p->open.first->side[DIR_OUT].done &&
	       !p->lost[DIR_OUT] && http1_idle(p->read[DIR_OUT]);
}

static int pair_hand_over(struct pair *p, const struct str answer[HDR_COUNT])
{
	int r = tunnel_new(p->env, p->open.first, answer, &p->tunnel);

	if (r == 0)
		queue_take(&p->open);
	return r;
}

static int response_head(void *ctx, const struct http1_head *h)
{
	struct pair *p = ctx;
	struct part part = { .kind = PART_RESPONSE, .at_ns = p->now_ns, .status = h->status };
	struct exchange *x = p->open.first;
	int r = 0;

	if (h->status < 200 && !h->upgraded)
		return 0;
	pair_watch(p);
	if (!x)
		r = orphan_open(p, &x);
	else if (x->side[DIR_IN].head) /* answered already, its request still not whole */
		r = -EBADMSG;
	if (r < 0)
		return r;
	p->ahead &= x->orphan;
	p->upgraded = h->upgraded;
	part.upgraded = h->status == 101 && pair_quiet(p) && socket_fits(h->header);
	part.body_less = h->body_less;
	memcpy(part.header, h->header, sizeof(part.header));
	r = exchange_head(x, &part);
	return r == 0 && part.upgraded ? pair_hand_over(p, h->header) : r;
}

/* One byte is enough to tell, so it does not matter how they are cut. No body of interest begins
 * so. */
static bool begins_like_head(const struct exchange_side *side, struct str bytes)
{
	return side->decoded == 0 && !side->cut && !side->coding.n && bytes.p[0] == 'H';
}

static int response_body(void *ctx, struct str bytes)
{
	struct pair *p = ctx;
	struct exchange *x = p->open.first;

	if (!x)
		return 0;
	pair_watch(p);
	if (x->orphan && begins_like_head(&x->side[DIR_IN], bytes))
		return -EBADMSG;
	return exchange_body(x, DIR_IN, p->now_ns, bytes);
}

static int response_end(void *ctx)
{
	struct pair *p = ctx;
	struct exchange *x = p->open.first;
	int r;

	if (!x)
		return 0;
	r = exchange_done(x, DIR_IN, p->now_ns);
	return r < 0 ? r : pair_close_if_done(p, x);
}

static const struct http1_calls response_calls = { response_head, response_body, response_end };

/* ---- bytes ----------------------------------------------------------------------------------- */

/* A piece of a lost direction. 1: it begins a message and the direction is found again; 0: it does
 * not; or an error. */
static int pair_find(struct pair *p, const struct piece *in)
{
	bool begins;
	int r = 0;

	if (in->dir == DIR_OUT) {
		begins = http1_begins_request(in->bytes) == 1;
		if (!begins || p->piped || (p->open.first && !p->open.first->orphan))
			return 0;
		if (p->open.first || !http1_idle(p->read[DIR_IN])) {
			r = pair_close_all(p, pair_why(p));
			pair_lose(p, DIR_IN);
		}
	} else {
		begins = http1_begins_response(in->bytes) >=
			 0; /* if it goes on otherwise: a desync */
		if (!p->open.first)
			return 0;
		if (!begins || p->piped || p->open.count > 1)
			return pair_close_all(p, pair_why(p));
	}
	if (r < 0)
		return r;
	http1_reset(p->read[in->dir]);
	p->lost[in->dir] = false;
	return 1;
}

/* The framing cannot be trusted, or a limit was reached: over, except where the outlet said no. */
static int pair_desync(struct pair *p, int r, enum skip *ret_dead)
{
	if (p->env->sink_r < 0 || (r != -EBADMSG && r != -EMSGSIZE))
		return r;
	r = pair_close_all(p, r == -EMSGSIZE ? WHY_LIMIT : WHY_DESYNC);
	if (r == 0)
		*ret_dead = SKIP_DESYNC;
	return r;
}

static void pair_begin(struct pair *p, const struct piece *in, uint64_t off)
{
	if (in->dir == DIR_IN) {
		struct exchange *x = p->open.first;

		http1_expect(p->read[DIR_IN], x ? x->method : STR_NONE);
		if (x) /* only an orphan is named by where its response began */
			return;
	}
	p->begin_off[in->dir] = off;
	p->begin_ns[in->dir] = in->at_ns;
	p->begin_from[in->dir] = *in->from;
}

/* What comes behind an upgrade, from the same piece first. */
static int pair_after(struct pair *p, const struct piece *in, struct str rest, enum skip *ret_dead)
{
	struct piece after = *in;
	int r;

	if (!p->tunnel) {
		r = pair_close_all(p, WHY_PROTOCOL);
		if (r == 0)
			*ret_dead = SKIP_OPAQUE;
		return r;
	}
	after.off += in->bytes.n - rest.n;
	after.bytes = rest;
	return rest.n ? tunnel_feed(p->tunnel, &after, ret_dead) : 0;
}

static int pair_bytes(struct pair *p, const struct piece *in, enum skip *ret_dead)
{
	struct http1 *h = p->read[in->dir];
	struct str rest = in->bytes;
	size_t used = 0;
	int r;

	if (p->lost[in->dir]) {
		r = pair_find(p, in);
		if (r < 0)
			return r;
		if (r == 0) {
			proto_skipped(p->env, in->from, p->missed, rest.n);
			return 0;
		}
	}
	while (rest.n) {
		if (http1_idle(h))
			pair_begin(p, in, in->off + (in->bytes.n - rest.n));
		r = http1_feed(h, rest, &used);
		if (r < 0)
			return pair_desync(p, r, ret_dead);
		proto_parsed(p->env, in->from, used);
		rest = str_skip(rest, used);
		if (p->upgraded)
			return pair_after(p, in, rest, ret_dead);
	}
	return 0;
}

/* ---- gaps ------------------------------------------------------------------------------------ */

/* The body under way is cut, its framing is not. */
static int pair_gap_inside(struct pair *p, const struct piece *in)
{
	struct exchange *x = in->dir == DIR_OUT ? p->sending : p->open.first;
	int r = x ? exchange_gap(x, in->dir, in->at_ns, in->gap) : 0;

	return r < 0 ? r : http1_skip(p->read[in->dir], in->gap);
}

static int pair_gap_out(struct pair *p)
{
	struct exchange *x = p->sending;
	int r = 0;

	pair_lose(p, DIR_OUT);
	if (!x)
		return 0;
	r = exchange_cut(x, DIR_OUT, p->now_ns, WHY_GAP);
	return r < 0 ? r : request_end(p);
}

static int pair_gap(struct pair *p, const struct piece *in)
{
	bool joined = p->missed == SKIP_MIDSTREAM && in->off == 0;
	bool awaited = in->dir == DIR_IN && p->open.first;

	if (!p->lost[in->dir] && in->gap <= http1_sure(p->read[in->dir]))
		return pair_gap_inside(p, in);
	if (p->lost[in->dir] && joined && !awaited)
		return 0; /* what was there before we joined: no news */
	p->missed = SKIP_AFTER_GAP;
	if (in->dir == DIR_OUT)
		return pair_gap_out(p);
	pair_lose(p, DIR_IN);
	return pair_close_all(p, WHY_GAP);
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* No more responses: those that are not complete never will be. */
static int pair_eof_in(struct pair *p, bool clean, bool aborted)
{
	struct exchange *x, *next;
	int r = 0;

	if (clean && !p->lost[DIR_IN])
		r = http1_eof(p->read[DIR_IN]);
	if (r < 0 && r != -EPIPE)
		return r;
	pair_lose(p, DIR_IN);
	DL_FOREACH_SAFE(p->open.first, x, next)
	{
		r = x->side[DIR_IN].done
			    ? 0
			    : pair_close(p, x, aborted ? WHY_ABORTED : WHY_STOPPED, aborted);
		if (r < 0)
			return r;
	}
	return 0;
}

/* No more requests: one that was being written stays incomplete, but may still be answered. */
static int pair_eof_out(struct pair *p)
{
	struct exchange *x = p->sending;
	int r = 0;

	pair_lose(p, DIR_OUT);
	if (x)
		r = exchange_cut(x, DIR_OUT, p->now_ns, WHY_ABORTED);
	return r < 0 ? r : request_end(p);
}

static int pair_end(struct pair *p, const struct piece *in)
{
	int r = 0;

	if (in->end != END_EOF || in->dir == DIR_IN)
		r = pair_eof_in(p, in->end == END_EOF || in->end == END_FREE, in->end != END_STOP);
	if (r == 0 && (in->end != END_EOF || in->dir == DIR_OUT))
		r = pair_eof_out(p);
	return r;
}

/* ---- the protocol ---------------------------------------------------------------------------- */

static int pair_feed(void *state, const struct piece *in, enum skip *ret_dead)
{
	struct pair *p = state;

	obj_check(p, PAIR_MAGIC);
	p->now_ns = in->at_ns;
	*ret_dead = PROTO_ALIVE;
	if (p->tunnel)
		return tunnel_feed(p->tunnel, in, ret_dead);
	switch (in->kind) {
	case PIECE_BYTES:
		return pair_bytes(p, in, ret_dead);
	case PIECE_GAP:
		return pair_gap(p, in);
	case PIECE_END:
		break;
	}
	return pair_end(p, in);
}

static void pair_drop(void *state, const struct piece *in, enum why why)
{
	struct pair *p = state;

	obj_check(p, PAIR_MAGIC);
	p->now_ns = in->at_ns;
	if (p->tunnel)
		tunnel_drop(p->tunnel, in, why);
	/* Nobody is left to tell: the error that led here is the one that is passed up. */
	(void)!pair_close_all(p, why);
}

static void pair_close_state(void *state)
{
	struct pair *p = state;

	obj_check(p, PAIR_MAGIC);
	/* the stage is being torn down: nothing is poured, nothing is leaked */
	queue_done(&p->open);
	tunnel_free(&p->tunnel);
	http1_free(&p->read[DIR_OUT]);
	http1_free(&p->read[DIR_IN]);
	p->magic = ~PAIR_MAGIC;
	mem_free(p);
}

static int pair_start(struct proto_env *env, const struct proto_start *how, void **ret)
{
	struct pair *p = obj_new(p, PAIR_MAGIC);
	int r;

	if (!p)
		return -ENOMEM;
	p->env = p->open.env = env;
	p->missed = how->missed;
	p->lost[DIR_OUT] = !how->sync[DIR_OUT];
	p->lost[DIR_IN] = !how->sync[DIR_IN];
	r = http1_new(HTTP1_REQUEST, &request_calls, p, env->opts->counters, &p->read[DIR_OUT]);
	if (r == 0)
		r = http1_new(HTTP1_RESPONSE, &response_calls, p, env->opts->counters,
			      &p->read[DIR_IN]);
	if (r < 0) {
		pair_close_state(p);
		return r;
	}
	*ret = p;
	return 0;
}

const struct proto pair_proto = {
	.name = "http/1",
	.begins = http1_begins_request,
	.answers = http1_begins_response,
	.start = pair_start,
	.feed = pair_feed,
	.drop = pair_drop,
	.close = pair_close_state,
};
