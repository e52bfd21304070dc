/* h2.c -- HTTP/2 on one connection (RFC 9113): frames of both directions become streams, streams are exchanges.
 *
 * What is done about loss, and why it is never wrong:
 *
 * - A stream's number names it for ever: a request and its response cannot be paired wrongly, whatever is lost between them.
 * - A gap inside one frame is skipped exactly: the frame's head said how long it is. In DATA it cuts that body. In a header
 *   block what was read before it stands and the rest is unknown, and so is the compression table (hpack.c).
 * - Any other gap loses its direction. Every body that was under way in it is cut, since the end may have been passed;
 *   responses that had begun are over. The direction is found again by a piece that begins with a chain of whole frames
 *   (senders write whole frames, and readers read what was written). No text begins like one: its first byte is 0; nothing
 *   coded does but by a chance of 2^-40. The table is unknown from there, and what was cut stays cut.
 * - A connection that was joined midway is a lost one in both directions. Who the observed process is it says itself, by
 *   the first block that it writes.
 * - A response to a request that was not seen is an orphan, if the request can have passed by unseen: numbers rise. If no
 *   hole is known yet, it shows when the client writes next; where it does not, the peer lied: a desync.
 * - Settings that were not seen may have allowed any compression table.
 * - What the server says that it has not looked at (REFUSED_STREAM, GOAWAY) ends as that only if no answer was seen, and
 *   none can have been missed. Until the connection ends an answer may still prove a GOAWAY wrong. */
#include "base/obj.h"
#include "wire/h2way.h"

#define PREFACE S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

/* ---- bytes ----------------------------------------------------------------------------------- */

static void h2_sync(struct h2_way *w)
{
	w->lost = false;
	h2frame_reset(&w->frame);
	w->skip = PROTO_ALIVE;
}

/* Is a lost direction found again in this piece? */
static bool h2_find(struct h2_way *w, const struct piece *in)
{
	struct h2 *h = w->h;

	if (w->dir == DIR_OUT && !h->last && str_starts(in->bytes, PREFACE)) {
		hpack_free(&w->hpack);
		w->joined = false; /* but not `table`: the server may have spoken first */
		h->hole[1] = 0;
		h->preface = 0;
	} else if (!h2frame_chain(in->bytes)) {
		return false;
	}
	h2_sync(w);
	return true;
}

static int h2_preface(struct h2 *h, const struct piece *in, struct str *rest)
{
	struct str want = str_skip(PREFACE, h->preface), got = str_head(*rest, want.n);

	if (in->dir == DIR_IN || !want.n)
		return 0;
	if (!str_eq(got, str_head(want, got.n)))
		return -EBADMSG;
	proto_parsed(h->env, in->from, got.n);
	h->preface += got.n;
	h->client |= h->preface == PREFACE.n;
	*rest = str_skip(*rest, got.n);
	return 0;
}

/* The framing cannot be trusted, or a limit was reached: over, except where the outlet said no. */
static int h2_desync(struct h2 *h, int r, enum skip *ret_dead)
{
	if (r == -ENOMEM && proto_refused(h->env))
		r = -EMSGSIZE;
	if (h->env->sink_r < 0 || (r != -EBADMSG && r != -EMSGSIZE))
		return r;
	r = h2stream_fail_all(&h->streams, r == -EMSGSIZE ? WHY_LIMIT : WHY_DESYNC);
	if (r == 0)
		*ret_dead = SKIP_DESYNC;
	return r;
}

static void h2_account(struct h2_way *w, const struct piece *in, size_t used)
{
	if (w->skip == PROTO_ALIVE)
		proto_parsed(w->h->env, in->from, used);
	else
		proto_skipped(w->h->env, in->from, w->skip, used);
	if (h2frame_idle(&w->frame))
		w->skip = PROTO_ALIVE;
}

/* Between calls a connection costs next to nothing. */
static int h2_rest(struct h2 *h)
{
	int r = 0;

	for (int dir = DIR_OUT; r == 0 && !h->streams.first && dir <= DIR_IN; dir++)
		if (h->way[dir].hpack)
			r = hpack_rest(h->way[dir].hpack, h2head_uses);
	return r;
}

static int h2_ends(struct h2 *h, enum flow_dir dir, bool aborted);

#define BEFORE_ONE (UINT64_C(1) << 32)

/* Where no function tells that a connection has ended (rustls), its object may serve another: a preface where a frame should
 * begin, and no frame that anybody sends has its length and kind. The whole head tells, as one byte is that of long frames,
 * too. What belongs to it is read after it was written. */
static bool h2_begins_again(const struct h2_way *w, struct str rest)
{
	struct str head = { (const char *)w->frame.head, w->frame.got };

	if (w->dir == DIR_IN || w->h->preface < PREFACE.n)
		return false;
	if (w->lost)
		return w->h->last && str_starts(rest, PREFACE);
	return head.n < H2FRAME_HEAD && !w->block.open && str_starts(PREFACE, head) &&
	       str_starts(rest, str_skip(str_head(PREFACE, H2FRAME_HEAD), head.n));
}

static int h2_again(struct h2 *h)
{
	int r = h2_ends(h, DIR_IN, true);

	if (r == 0)
		r = h2_ends(h, DIR_OUT, true);
	if (r == 0)
		r = h2stream_fail_all(&h->streams, WHY_ABORTED);
	for (int dir = DIR_OUT; dir <= DIR_IN; dir++) {
		struct h2_way *w = &h->way[dir];

		h2way_forget(w);
		hpack_free(&w->hpack);
		h2_sync(w);
		w->joined = false;
		w->got = 0;
	}
	h->streams.before += BEFORE_ONE;
	h->preface = 0;
	h->client = false;
	h->last = h->stray = h->hole[0] = h->hole[1] = 0;
	h->streams.farewell = UINT32_MAX;
	h->resets = 0;
	return r;
}

static int h2_bytes(struct h2 *h, const struct piece *in, enum skip *ret_dead)
{
	struct h2_way *w = &h->way[in->dir];
	struct str rest = in->bytes;
	size_t used = 0;
	int r = w->lost && h2_begins_again(w, rest) ? h2_again(h) : 0;

	if (r < 0)
		return r;
	if (w->lost && !h2_find(w, in)) {
		proto_skipped(h->env, in->from, h->missed, rest.n);
		return 0;
	}
	r = in->dir == DIR_OUT && h->stray ? -EBADMSG : h2_preface(h, in, &rest);
	while (r == 0 && rest.n) {
		if (h2_begins_again(w, rest)) {
			used = w->frame.got;
			r = h2_again(h);
			h->preface = used;
			r = r < 0 ? r : h2_preface(h, in, &rest);
			continue;
		}
		if (h2frame_idle(&w->frame) && !w->block.open)
			w->place = (struct h2_place){ *in->from, in->off + (in->bytes.n - rest.n),
						      in->at_ns };
		r = h2frame_feed(&w->frame, &h2way_calls, w, rest, &used);
		if (r < 0)
			break;
		h2_account(w, in, used);
		rest = str_skip(rest, used);
		*ret_dead = h->dead;
		if (h->dead != PROTO_ALIVE)
			return 0;
	}
	r = r == 0 ? h2_rest(h) : r;
	return r < 0 ? h2_desync(h, r, ret_dead) : 0;
}

/* ---- gaps ------------------------------------------------------------------------------------ */

/* Which of the open streams went on in the gap, nobody knows. */
static int h2_touched(struct h2 *h, enum flow_dir dir)
{
	struct h2_stream *s = h->streams.first;
	int r = 0;

	while (r == 0 && s) {
		struct h2_stream *next = s->next;
		const struct exchange_side *side = &s->x->side[dir];

		s->hole = true;
		if (side->head && !side->done) {
			r = dir == DIR_IN ? h2stream_fail(&h->streams, s, WHY_GAP)
					  : h2stream_cut(&h->streams, s, dir, WHY_GAP);
			if (r == 0 && dir == DIR_OUT)
				r = h2stream_end(&h->streams, s, dir);
		}
		s = next;
	}
	return r;
}

static int h2_lose(struct h2_way *w)
{
	struct h2 *h = w->h;

	w->lost = w->joined = true;
	h->missed = SKIP_AFTER_GAP;
	h->streams.missed = WHY_GAP;
	h2way_forget(w);
	if (w->hpack)
		hpack_lost(w->hpack);
	h2way_allow(h2way_other(w), UINT32_MAX);
	if (w->dir == DIR_OUT) {
		h->preface = PREFACE.n;
		if (h->hole[1] != UINT32_MAX)
			h->hole[0] = h->last;
		h->hole[1] = UINT32_MAX;
		h2way_excuse(h);
	}
	return h2_touched(h, w->dir);
}

static int h2_gap(struct h2 *h, const struct piece *in, enum skip *ret_dead)
{
	struct h2_way *w = &h->way[in->dir];
	int r = 0;

	if (!w->lost && in->gap <= h2frame_sure(&w->frame))
		r = h2frame_skip(&w->frame, &h2way_calls, w, in->gap);
	else if (!w->lost || in->off || h->missed != SKIP_MIDSTREAM) /* else: before we joined */
		r = h2_lose(w);
	if (h2frame_idle(&w->frame))
		w->skip = PROTO_ALIVE;
	if (r == 0)
		*ret_dead = h->dead;
	return r < 0 ? h2_desync(h, r, ret_dead) : 0;
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* Nothing more comes in this direction: what is not complete never will be. */
static int h2_ends(struct h2 *h, enum flow_dir dir, bool aborted)
{
	struct h2_stream *s = h->streams.first;
	int r = 0;

	while (r == 0 && s) {
		struct h2_stream *next = s->next;
		bool done = s->x->side[dir].done;

		if (!done && dir == DIR_IN)
			r = h2stream_reset(&h->streams, s,
					   s->hole   ? h->streams.missed
					   : aborted ? WHY_ABORTED
						     : WHY_STOPPED,
					   aborted && !s->hole);
		else if (!done)
			r = h2stream_cut(&h->streams, s, dir, WHY_ABORTED);
		if (r == 0 && !done && dir == DIR_OUT)
			r = h2stream_end(&h->streams, s, dir);
		s = next;
	}
	h2way_forget(&h->way[dir]);
	h->way[dir].lost = true;
	return r;
}

static int h2_end(struct h2 *h, const struct piece *in)
{
	int r = 0;

	if (in->end != END_EOF || in->dir == DIR_IN)
		r = h2_ends(h, DIR_IN, in->end != END_STOP);
	if (r == 0 && (in->end != END_EOF || in->dir == DIR_OUT))
		r = h2_ends(h, DIR_OUT, in->end != END_STOP);
	return r;
}

/* ---- the protocol ---------------------------------------------------------------------------- */

static int h2_feed(void *state, const struct piece *in, enum skip *ret_dead)
{
	struct h2 *h = state;

	obj_check(h, H2_MAGIC);
	h->streams.now_ns = in->at_ns;
	*ret_dead = PROTO_ALIVE;
	switch (in->kind) {
	case PIECE_BYTES:
		return h2_bytes(h, in, ret_dead);
	case PIECE_GAP:
		return h2_gap(h, in, ret_dead);
	case PIECE_END:
		break;
	}
	return h2_end(h, in);
}

static void h2_drop(void *state, const struct piece *in, enum why why)
{
	struct h2 *h = state;

	obj_check(h, H2_MAGIC);
	h->streams.now_ns = in->at_ns;
	/* Nobody is left to tell: the error that led here is the one that is passed up. */
	(void)!h2stream_fail_all(&h->streams, why);
}

static void h2_close(void *state)
{
	struct h2 *h = state;

	obj_check(h, H2_MAGIC);
	h2stream_done(&h->streams);
	for (int dir = DIR_OUT; dir <= DIR_IN; dir++) {
		h2way_forget(&h->way[dir]);
		hpack_free(&h->way[dir].hpack);
	}
	h->magic = ~H2_MAGIC;
	mem_free(h);
}

static int h2_start(struct proto_env *env, const struct proto_start *how, void **ret)
{
	struct h2 *h = obj_new(h, H2_MAGIC);
	bool whole = how->sync[DIR_OUT];

	if (!h)
		return -ENOMEM;
	h->env = h->streams.env = env;
	h->missed = how->missed;
	h->streams.farewell = UINT32_MAX;
	h->streams.missed = how->missed == SKIP_MIDSTREAM ? WHY_MIDSTREAM : WHY_GAP;
	h->dead = PROTO_ALIVE;
	h->preface = whole ? 0 : PREFACE.n;
	h->hole[1] = whole ? 0 : UINT32_MAX;
	for (int dir = DIR_OUT; dir <= DIR_IN; dir++) {
		struct h2_way *w = &h->way[dir];

		w->h = h;
		w->dir = dir;
		w->lost = w->joined = !how->sync[dir];
		w->table = whole ? H2_DEFAULT_TABLE : UINT32_MAX;
		w->skip = PROTO_ALIVE;
	}
	*ret = h;
	return 0;
}

static int h2_begins(struct str bytes)
{
	if (!str_eq(str_head(bytes, PREFACE.n), str_head(PREFACE, bytes.n)))
		return -EBADMSG;
	return bytes.n >= PREFACE.n;
}

static int h2_answers(struct str bytes)
{
	(void)bytes; /* a client's preface comes first */
	return -EBADMSG;
}

const struct proto h2_proto = {
	.name = "h2",
	.begins = h2_begins,
	.answers = h2_answers,
	.joins = h2frame_chain,
	.start = h2_start,
	.feed = h2_feed,
	.drop = h2_drop,
	.close = h2_close,
};
