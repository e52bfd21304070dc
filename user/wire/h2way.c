/* h2way.c -- frames of one direction: DATA and header blocks go to their streams, settings to the other direction.
 *
 * Everything else is read past: priorities, windows, pings, kinds of frames that are not known. What breaks the rules of
 * the connection is an error; what breaks those of a message concerns its stream alone (h2stream.c). */
#include "base/limit.h"
#include "wire/h2way.h"

enum { SETTING_TABLE = 1, REFUSED_STREAM = 7, NUMBER = 4, TORN = UINT8_MAX };

static bool h2_unseen(const struct h2 *h, uint32_t id)
{
	return id & 1 && id > h->hole[0] && id < h->hole[1];
}

/* A stream that nobody can have opened. */
static bool h2_idle(const struct h2 *h, uint32_t id)
{
	return id & 1 && id > h->last && !h2_unseen(h, id);
}

struct h2_way *h2way_other(struct h2_way *w)
{
	return &w->h->way[w->dir == DIR_OUT ? DIR_IN : DIR_OUT];
}

void h2way_excuse(struct h2 *h)
{
	h->last = MAX(h->last, h->stray);
	h->stray = 0;
}

/* ---- settings, resets, farewells ------------------------------------------------------------- */

/* What the sender of SETTINGS allows holds for the encoder of the other direction. */
void h2way_allow(struct h2_way *w, uint32_t bytes)
{
	w->table = MAX(w->table, bytes);
	if (w->hpack)
		hpack_resize(w->hpack, w->table);
}

static void settings_run(struct h2_way *w, struct str run)
{
	for (size_t i = 0; i < run.n; i++) {
		if (w->got == TORN)
			return;
		w->item[w->got++] = (unsigned char)run.p[i];
		if (w->got < H2_SETTING)
			continue;
		w->got = 0;
		if (w->item[0] == 0 && w->item[1] == SETTING_TABLE)
			h2way_allow(h2way_other(w), h2frame_number(w->item + 2, 4));
	}
}

/* The first number of RST_STREAM, GOAWAY. */
static void number_run(struct h2_way *w, struct str run)
{
	size_t n;

	if (w->got >= NUMBER)
		return;
	n = MIN(run.n, (size_t)(NUMBER - w->got));
	memcpy(w->item + w->got, run.p, n);
	w->got += (uint8_t)n;
}

/* The server names the last request that it may look at; it may name a lower one later. */
static void farewell_end(struct h2_way *w)
{
	struct h2_streams *l = &w->h->streams;

	if (w->dir == DIR_IN && w->got == NUMBER)
		l->farewell = MIN(l->farewell, h2frame_number(w->item, NUMBER) & 0x7fffffff);
}

static int reset_end(struct h2_way *w, uint32_t id)
{
	struct h2 *h = w->h;
	struct h2_stream *s = h2stream_find(&h->streams, id);

	if (!s)
		return 0;
	if (!s->x->side[DIR_IN].head && ++h->resets > LIMIT_H2_RESETS) {
		count_limit(h->env->opts->counters, H2_RESETS);
		return -EMSGSIZE;
	}
	s->refused = w->dir == DIR_IN && w->got == NUMBER &&
		     h2frame_number(w->item, NUMBER) == REFUSED_STREAM;
	return h2stream_reset(&h->streams, s, WHY_ABORTED, true);
}

/* ---- header blocks --------------------------------------------------------------------------- */

static int field_drop(void *ctx, struct str name, struct str value, bool unknown)
{
	(void)ctx;
	(void)name;
	(void)value;
	(void)unknown;
	return 0;
}

static int block_begin(struct h2_way *w, const struct h2frame *f)
{
	struct counters *c = w->h->env->opts->counters;
	int r = 0;

	if (!w->hpack) {
		r = hpack_new(w->joined, c, &w->hpack);
		if (r < 0)
			return r;
		hpack_resize(w->hpack, w->table);
	}
	w->block = (struct h2_block){ .open = true, .stream = f->stream };
	w->block.promise = f->type == H2_PUSH_PROMISE;
	w->block.end = !w->block.promise && f->flags & H2_END_STREAM;
	return w->block.promise ? 0 : h2head_new(c, &w->block.head);
}

static int block_run(struct h2_way *w, struct str run, bool last)
{
	struct h2head *head = w->block.head;

	if (w->block.lost)
		return 0;
	return hpack_feed(w->hpack, run, last, head ? h2head_field : field_drop, head);
}

static void block_lost(struct h2_way *w)
{
	w->block.lost = true;
	if (w->block.head)
		h2head_lost(w->block.head);
	hpack_lost(w->hpack);
	if (w->dir == DIR_OUT)
		h2way_excuse(w->h);
}

void h2way_forget(struct h2_way *w)
{
	h2head_free(&w->block.head);
	w->block.open = false;
}

/* A block that the observed process wrote, on a stream that is not open. */
static int asked_new(struct h2_way *w, struct h2head *head)
{
	struct h2 *h = w->h;
	uint32_t id = w->block.stream;

	if (!(h2head_pseudo(head) & H2_ASKS)) {
		if (!h2_idle(h, id)) /* trailers of what is over, or was not seen */
			return 0;
		if (!h2head_blurred(head))
			return -EBADMSG;
	}
	if (w->block.lost &&
	    id <= h->last) /* its answer, an orphan, was faster than the news of the hole */
		return 0;
	if (!(id & 1) || id <= h->last)
		return -EBADMSG;
	h->client = true;
	h->last = id;
	h->hole[1] = MIN(h->hole[1], id);
	return h2stream_request(&h->streams, &w->place, id, head, w->block.end,
				h->way[DIR_IN].lost);
}

static int block_asked(struct h2_way *w, struct h2head *head)
{
	struct h2 *h = w->h;
	struct h2_stream *s = h2stream_find(&h->streams, w->block.stream);
	unsigned pseudo = h2head_pseudo(head);

	if (pseudo & H2_STATUS && !h->client) { /* it answers */
		h->dead = SKIP_SERVER;
		return h2stream_fail_all(&h->streams, WHY_DESYNC);
	}
	if (s)
		return h2stream_block(&h->streams, s, DIR_OUT, head, w->block.end);
	return asked_new(w, head);
}

static int block_answered(struct h2_way *w, struct h2head *head)
{
	struct h2 *h = w->h;
	uint32_t id = w->block.stream;
	struct h2_stream *s = h2stream_find(&h->streams, id);
	struct part p = { .kind = PART_RESPONSE };

	h->resets = 0;
	if (s)
		return h2stream_block(&h->streams, s, DIR_IN, head, w->block.end);
	if (h2_idle(h, id))
		h->stray = MAX(h->stray, id);
	if (!(h2_unseen(h, id) || h2_idle(h, id)) || !h2head_response(head, &p) || p.status < 200)
		return 0;
	return h2stream_orphan(&h->streams, &w->place, id, head, w->block.end);
}

static int block_end(struct h2_way *w)
{
	int r = block_run(w, STR_NONE, true);

	if (r == 0 && w->block.head)
		r = w->dir == DIR_OUT ? block_asked(w, w->block.head)
				      : block_answered(w, w->block.head);
	h2way_forget(w);
	return r;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static int data_begin(struct h2_way *w, uint32_t id)
{
	struct h2 *h = w->h;

	if (h2stream_find(&h->streams, id))
		return 0;
	if (h2_idle(h, id) && w->dir == DIR_OUT)
		return -EBADMSG;
	if (h2_idle(h, id))
		h->stray = MAX(h->stray, id);
	if (h2_unseen(h, id) || h2_idle(h, id) || h->missed == SKIP_AFTER_GAP)
		w->skip = h->missed;
	else if (!(id & 1)) /* pushed: nobody asked for it */
		w->skip = SKIP_OPAQUE;
	return 0;
}

static int more_begin(struct h2_way *w)
{
	if (++w->block.more <= LIMIT_H2_CONTINUATION)
		return 0;
	count_limit(w->h->env->opts->counters, H2_CONTINUATION);
	return -EMSGSIZE;
}

static int on_begin(void *ctx, const struct h2frame *f)
{
	struct h2_way *w = ctx;
	bool more = f->type == H2_CONTINUATION;

	w->got = 0;
	if (w->block.open ? !more || f->stream != w->block.stream : more)
		return -EBADMSG;
	switch (f->type) {
	case H2_DATA:
		return data_begin(w, f->stream);
	case H2_HEADERS:
		return block_begin(w, f);
	case H2_PUSH_PROMISE: /* decoded for the table, forgotten: see data_begin() */
		return w->dir == DIR_IN || !w->h->client ? block_begin(w, f) : -EBADMSG;
	case H2_CONTINUATION:
		return more_begin(w);
	default:
		return 0;
	}
}

static int on_content(void *ctx, const struct h2frame *f, struct str run)
{
	struct h2_way *w = ctx;
	struct h2_stream *s;

	switch (f->type) {
	case H2_DATA:
		s = h2stream_find(&w->h->streams, f->stream);
		return s ? h2stream_data(&w->h->streams, s, w->dir, run) : 0;
	case H2_HEADERS:
	case H2_PUSH_PROMISE:
	case H2_CONTINUATION:
		return block_run(w, run, false);
	case H2_SETTINGS:
		settings_run(w, run);
		return 0;
	case H2_RST_STREAM:
	case H2_GOAWAY:
		number_run(w, run);
		return 0;
	default:
		return 0;
	}
}

static int on_lost(void *ctx, const struct h2frame *f, uint64_t bytes)
{
	struct h2_way *w = ctx;
	struct h2_stream *s;

	w->h->streams.missed = WHY_GAP;
	w->got = TORN;
	switch (f->type) {
	case H2_DATA:
		s = h2stream_find(&w->h->streams, f->stream);
		return s ? h2stream_gap(&w->h->streams, s, w->dir, bytes) : 0;
	case H2_HEADERS:
	case H2_PUSH_PROMISE:
	case H2_CONTINUATION:
		block_lost(w);
		return 0;
	case H2_SETTINGS:
		h2way_allow(h2way_other(w), UINT32_MAX);
		return 0;
	default:
		return 0;
	}
}

static int on_end(void *ctx, const struct h2frame *f)
{
	struct h2_way *w = ctx;
	struct h2_stream *s;

	switch (f->type) {
	case H2_DATA:
		s = f->flags & H2_END_STREAM ? h2stream_find(&w->h->streams, f->stream) : NULL;
		return s ? h2stream_end(&w->h->streams, s, w->dir) : 0;
	case H2_HEADERS:
	case H2_PUSH_PROMISE:
	case H2_CONTINUATION:
		return f->flags & H2_END_HEADERS ? block_end(w) : 0;
	case H2_RST_STREAM:
		return reset_end(w, f->stream);
	case H2_GOAWAY:
		farewell_end(w);
		return 0;
	default:
		return 0;
	}
}

const struct h2frame_calls h2way_calls = { on_begin, on_content, on_lost, on_end };
