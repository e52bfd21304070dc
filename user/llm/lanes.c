#include "base/limit.h"
#include "base/obj.h"
#include "llm/lane.h"
#include "llm/lanes.h"

enum { HTTP_OK = 200 };

/* A call that no message of the client's named: its offset counts in DIR_IN. As EXCHANGE_ORPHAN of wire. */
#define LANE_BY_SERVER (1ull << 63)
/* On HTTP/2 an exchange is named by a stream id (an odd one) and, above 2^32, by which connection of its TLS object it is on:
 * the offsets of its messages need a space of their own. */
#define LANE_OF_STREAM (1ull << 62)
enum { LANE_STREAMS = 20, LANE_CONNS = 8, LANE_MESSAGES = 62 - LANE_STREAMS - LANE_CONNS };

struct lanes {
	unsigned magic;
#define LANES_MAGIC 0x1a5e0001u
	const struct xchg *opening;
	const struct llm_socket *socket;
	struct usage_sink out;
	struct counters *counters;
	unsigned char key[HASH_KEY];
	struct ask *ask;
	struct said *said;
	struct hash *hash;                   /* of the client's message */
	uint64_t size;                       /* of it */
	uint64_t begun_ns[2];                /* the message under way; 0: none */
	struct said_text model, other_model; /* of the session; of what it hears */
	struct lane_ended ended;             /* answers */
	enum why hurt[2];                    /* messages of this direction are missing: why */
	enum why refused;                    /* LIMIT: more calls than are followed */
	struct lane *first, **last;          /* in the order in which they began */
	size_t count, *all;                  /* of them; of all sockets */
};

int lanes_new(const struct xchg *opening, const unsigned char key[HASH_KEY], size_t *all,
	      struct counters *c, struct usage_sink out, struct lanes **ret)
{
	_cleanup_(lanes_free) struct lanes *l = obj_new(l, LANES_MAGIC);

	if (!l)
		return -ENOMEM;
	l->opening = opening;
	l->socket = llm_route_socket(opening->route);
	l->out = out;
	l->counters = c;
	l->last = &l->first;
	memcpy(l->key, key, sizeof(l->key));
	l->ended.key = l->key;
	l->all = all;
	*ret = take(l);
	return 0;
}

static void lane_drop(struct lanes *l, struct lane **at)
{
	struct lane *lane = *at;

	*at = lane->next;
	if (l->last == &lane->next)
		l->last = at;
	l->count--;
	--*l->all;
	xchg_free(&lane->x);
	mem_free(lane);
}

void lanes_free(struct lanes **ll)
{
	struct lanes *l = obj_take(ll, LANES_MAGIC);

	if (!l)
		return;
	while (l->first)
		lane_drop(l, &l->first);
	ask_free(&l->ask);
	said_free(&l->said);
	mem_free(l->hash);
	mem_free(l);
}

/* ---- a call ------------------------------------------------------------------------------------------ */

static uint64_t lane_off(const struct lanes *l, const struct part *in)
{
	uint64_t off = in->message | (in->dir == DIR_IN ? LANE_BY_SERVER : 0);

	if (l->opening->tunnel) {
		uint64_t of = l->opening->u.off, stream = of >> 1 & ((1u << LANE_STREAMS) - 1),
			 conn = of >> 32 & ((1u << LANE_CONNS) - 1);

		off |= LANE_OF_STREAM | (conn << LANE_STREAMS | stream) << LANE_MESSAGES;
	}
	return off;
}

/* A call like the exchange that opened the socket, but for what is its own. */
static int lane_xchg(const struct lanes *l, const struct part *in, struct xchg **ret)
{
	const struct xchg *o = l->opening;
	struct usage u = o->u;
	int r = xchg_new(in->from, lane_off(l, in), l->begun_ns[in->dir], ret);

	if (r < 0)
		return r;
	u.from = *in->from;
	u.off = (*ret)->u.off;
	u.start_ns = (*ret)->u.start_ns;
	u.model_requested = u.model_served = u.response_id = u.tier = STR_NONE;
	u.request_hash = u.raw = STR_NONE;
	u.first_ns = 0;
	u.status = -1;
	u.stream = true;
	(*ret)->u = u;
	(*ret)->provider = o->provider;
	(*ret)->route = o->route;
	(*ret)->format = l->socket->format;
	(*ret)->asked = (*ret)->call = true;
	(*ret)->ratios = o->ratios;
	return xchg_note(*ret, l->model.n ? said_str(&l->model) : o->u.model_requested,
			 &(*ret)->u.model_requested);
}

/* *ret NULL: too many are under way. */
static int lane_new(struct lanes *l, const struct part *in, struct lane **ret)
{
	struct lane *lane;
	int r;

	*ret = NULL;
	if (l->count == LIMIT_SOCKET_LANES || *l->all >= LIMIT_XCHGS) {
		if (l->count == LIMIT_SOCKET_LANES)
			count_limit(l->counters, SOCKET_LANES);
		else
			count_limit(l->counters, XCHGS);
		l->refused = WHY_LIMIT;
		return 0;
	}
	lane = mem_zero(1, sizeof(*lane));
	if (!lane)
		return -ENOMEM;
	r = lane_xchg(l, in, &lane->x);
	if (r < 0) {
		xchg_free(&lane->x);
		mem_free(lane);
		return r;
	}
	*l->last = lane;
	l->last = &lane->next;
	l->count++;
	++*l->all;
	*ret = lane;
	return 0;
}

/* Its usage, and it is gone. `why`: it did not end by itself. */
static int lane_end(struct lanes *l, struct lane **at, uint64_t at_ns, enum why why)
{
	struct xchg *x = (*at)->x;
	struct part end = {
		.kind = PART_END, .at_ns = at_ns, .why = why, .aborted = why == WHY_ABORTED
	};
	int r;

	if (!why && x->u.status < 0)
		x->u.status = HTTP_OK;
	r = xchg_finish(x, &end);
	xchg_limits(x, l->counters);
	if (r == 0)
		r = usage_put(l->out, &x->u);
	lane_drop(l, at);
	return r;
}

/* ---- messages of the client -------------------------------------------------------------------------- */

static int on_begin(struct lanes *l, const struct part *in)
{
	struct lane *lane;
	char text[XCHG_HASH_TEXT];
	struct xchg *x;
	int r = lane_new(l, in, &lane);

	if (r < 0)
		return r;
	if (!lane) {
		l->hurt[DIR_OUT] = l->hurt[DIR_OUT] ? l->hurt[DIR_OUT] : WHY_LIMIT;
		return 0;
	}
	x = lane->x;
	lane->stream = l->ask->lane;
	x->warm_up = l->ask->no_answer;
	x->doubt = l->hurt[DIR_OUT];
	x->guess.asked_bytes = l->size;
	if (x->warm_up)
		x->u.operation = S("prewarm");
	r = xchg_asked(x, l->ask);
	if (r == 0) {
		xchg_hash_text(l->hash, text);
		r = xchg_keep(x, str_of(text), &x->u.request_hash);
	}
	if (r == 0 && l->opening->cut[DIR_IN]) /* no answer will be seen */
		for (struct lane **at = &l->first; *at; at = &(*at)->next)
			if (*at == lane)
				return lane_end(l, at, in->at_ns, l->opening->cut[DIR_IN]);
	return r;
}

/* What was cancelled may be answered, or never: until then it stands at the head of its stream, but nothing is sure there. */
static void on_cancel(struct lanes *l)
{
	struct lane **at = l->ask->id.n ? lane_by_id(&l->first, said_str(&l->ask->id)) : NULL;

	if (!at && !l->ask->id.n) {
		at = lane_by_stream(&l->first, &l->ask->lane, true);
		if (!at)
			at = lane_by_stream(&l->first, &l->ask->lane, false);
	}
	if (at)
		(*at)->gone_quiet = true;
}

static int client_end(struct lanes *l, const struct part *in)
{
	struct str type = said_str(&l->ask->type);

	if (in->why || !ask_whole(l->ask)) { /* the server may be able to read it */
		if (l->ask->deep)
			count_limit(l->counters, JSON_DEPTH);
		if (!l->hurt[DIR_OUT])
			l->hurt[DIR_OUT] = in->why        ? in->why
					   : l->ask->deep ? WHY_LIMIT
							  : WHY_BAD_BODY;
		return 0;
	}
	if (str_eq(type, str_of(l->socket->begin)))
		return on_begin(l, in);
	if (str_eq(type, str_of(l->socket->cancel)))
		on_cancel(l);
	return 0;
}

static int client(struct lanes *l, const struct part *in)
{
	int r = 0;

	if (!l->socket->begin)
		return 0;
	if (!l->ask)
		r = ask_new(&l->ask);
	if (r == 0 && !l->hash) {
		l->hash = mem_zero(1, sizeof(*l->hash));
		r = l->hash ? 0 : -ENOMEM;
	}
	if (r < 0)
		return r;
	if (!l->begun_ns[DIR_OUT]) {
		l->begun_ns[DIR_OUT] = in->at_ns ? in->at_ns : 1;
		l->size = 0;
		ask_reset(l->ask);
		hash_init(l->hash, l->key, XCHG_HASH_BYTES);
	}
	hash_add(l->hash, in->bytes);
	l->size += in->bytes.n;
	r = ask_feed(l->ask, in->bytes);
	if (r == 0 && in->last) {
		r = client_end(l, in);
		l->begun_ns[DIR_OUT] = 0;
	}
	return r;
}

/* ---- messages of the server -------------------------------------------------------------------------- */

/* Whose end was it? */
static void server_hurt(struct lanes *l, enum why why)
{
	if (!l->hurt[DIR_IN])
		l->hurt[DIR_IN] = why;
	for (struct lane *lane = l->first; lane; lane = lane->next) {
		xchg_lost(lane->x, why);
		lane->gone_quiet = true;
	}
}

/* A call that the server tells of and we know nothing about: its request is among what is missing, or there was none. */
static int unasked(struct lanes *l, const struct part *in, struct lane ***ret)
{
	struct lane *lane;
	int r = lane_new(l, in, &lane);

	*ret = NULL;
	if (r < 0 || !lane)
		return r;
	lane->stream = l->said->lane;
	lane->x->guess.asked_cut = true;
	for (*ret = &l->first; **ret != lane;)
		*ret = &(**ret)->next;
	return 0;
}

/* Something else that is billed, whole in one message. */
static int on_extra(struct lanes *l, const struct part *in)
{
	struct lane *lane, **at;
	struct xchg *x;
	int r = unasked(l, in, &at);

	if (r < 0 || !at)
		return r;
	lane = *at;
	x = lane->x;
	x->format = l->socket->extra_format;
	x->u.operation = S("transcription");
	x->u.model_requested = STR_NONE;
	x->final = true;
	r = xchg_note(x, said_str(&l->other_model), &x->u.model_requested);
	l->said->error = false;
	if (r == 0)
		r = xchg_take(x, l->said);
	return r < 0 ? r : lane_end(l, at, in->at_ns, WHY_NONE);
}

static bool is_error(const struct said *s)
{
	return str_eq(said_str(&s->kind), S("error"));
}

/* An error ends the call that it names, or the one that waits for an answer. A call that is being answered ends with its own
 * last event: the error may be about something else that the client sent. Then any of several may be over. */
static int on_error(struct lanes *l, const struct part *in)
{
	struct said *s = l->said;
	struct lane **at = lane_find(&l->first, s);

	if (!s->id.n && s->lane.n)
		at = lane_by_stream(&l->first, &s->lane, false);
	if (!at || (!s->id.n && (*at)->x->u.response_id.n)) {
		for (struct lane *lane = l->first; lane; lane = lane->next) {
			lane->gone_quiet = true;
			if (lane->x->u.response_id.n)
				xchg_lost(lane->x, WHY_STREAM_ERROR);
		}
		return 0;
	}
	if (s->status >= 400 && s->status < 600 && !(*at)->x->guess.answer_text)
		(*at)->x->u.status = (int)s->status;
	(*at)->x->error = true;
	return lane_end(l, at, in->at_ns, WHY_NONE);
}

/* The call that an answer which is new belongs to; *ret NULL: none that is to be followed. */
static int answers(struct lanes *l, const struct part *in, struct lane ***ret)
{
	const struct said *s = l->said;
	bool told;

	if (lane_has_ended(&l->ended, said_str(&s->id), &told))
		return told || !s->usage ? 0 : unasked(l, in, ret);
	if (l->socket->begin)
		*ret = lane_pair(&l->first, &s->lane);
	return *ret ? 0 : unasked(l, in, ret);
}

/* Part of an answer, or its end. */
static int on_answer(struct lanes *l, const struct part *in)
{
	const struct llm_socket *k = l->socket;
	struct said *s = l->said;
	struct str kind = said_str(&s->kind);
	bool last = xchg_is_last(k->format, kind);
	struct lane **at = lane_find(&l->first, s);
	int r = 0;

	if (!at && s->id.n && (last || str_eq(kind, str_of(k->created))))
		r = answers(l, in, &at);
	if (r < 0 || !at)
		return r;
	if (!(*at)->x->u.first_ns)
		(*at)->x->u.first_ns = l->begun_ns[DIR_IN];
	r = xchg_take((*at)->x, s);
	if (r < 0 || !last)
		return r;
	(*at)->x->final = (*at)->x->ended = true;
	lane_ended(&l->ended, (*at)->x);
	return lane_end(l, at, in->at_ns, WHY_NONE);
}

static int server_end(struct lanes *l, const struct part *in)
{
	const struct llm_socket *k = l->socket;
	struct said *s = l->said;
	struct str kind = said_str(&s->kind);

	if (in->why || (!said_whole(s) && s->broken)) {
		server_hurt(l, in->why ? in->why : WHY_BAD_BODY);
		return 0;
	}
	if (s->bad)
		return 0;
	if (str_starts(kind, S("session."))) {
		said_keep(&l->model, said_str(&s->model));
		said_keep(&l->other_model, said_str(&s->other_model));
		return 0;
	}
	if (str_ends(kind, S("audio.delta"))) /* its size is no size of text */
		s->text = 0;
	if (k->extra && str_eq(kind, str_of(k->extra)))
		return on_extra(l, in);
	if (is_error(s))
		return k->begin ? on_error(l, in) : 0; /* Realtime's errors end no response */
	return on_answer(l, in);
}

static int server(struct lanes *l, const struct part *in)
{
	int r = 0;

	if (!l->said)
		r = said_new(l->socket->format, &l->said);
	if (r < 0)
		return r;
	if (!l->begun_ns[DIR_IN])
		l->begun_ns[DIR_IN] = in->at_ns ? in->at_ns : 1;
	r = said_feed(l->said, in->bytes);
	if (r < 0 || !in->last)
		return r;
	r = server_end(l, in);
	said_reset(l->said);
	l->begun_ns[DIR_IN] = 0;
	return r;
}

int lanes_feed(struct lanes *l, const struct part *in)
{
	obj_check(l, LANES_MAGIC);
	return in->dir == DIR_OUT ? client(l, in) : server(l, in);
}

int lanes_cut(struct lanes *l, const struct part *in)
{
	enum why why = in->why ? in->why : WHY_GAP;
	int r = 0;

	obj_check(l, LANES_MAGIC);
	if (!l->hurt[in->dir])
		l->hurt[in->dir] = why;
	if (in->dir == DIR_OUT)
		return 0;
	while (r == 0 && l->first) {
		l->first->x->cut[DIR_IN] = why;
		r = lane_end(l, &l->first, in->at_ns, why);
	}
	return r;
}

int lanes_end(struct lanes *l, const struct part *in, enum why *ret)
{
	int r = 0;

	obj_check(l, LANES_MAGIC);
	while (r == 0 && l->first) {
		enum why stale = l->first->x->stale;

		r = lane_end(l, &l->first, in->at_ns,
			     stale     ? stale
			     : in->why ? in->why
				       : WHY_ABORTED);
	}
	*ret = l->refused;
	/* a call shows in both directions, but for those that only the server's tell of */
	if (!*ret && l->hurt[DIR_IN] && (l->hurt[DIR_OUT] || !l->socket->begin))
		*ret = l->hurt[DIR_IN];
	return r;
}
