/* wire.c -- finds out what each connection speaks, hands it on, and keeps the accounts. */
#include "base/buf.h"
#include "base/limit.h"
#include "base/table.h"
#include "wire/proto.h"
#include "wire/purse.h"

enum hears {
	HEARS_START, /* nothing was lost: the first bytes tell */
	HEARS_LATE,  /* something was: waiting for a piece that begins a message */
	HEARS_PROTO,
	HEARS_NOTHING, /* never of use again; `dead` says why */
};

struct wire_link {
	unsigned magic;
#define WIRE_LINK_MAGIC 0x31f20002u
	uint64_t gen;
	struct purse *purse; /* pays for it, even if the process has moved */
	enum hears hears;
	enum skip dead;
	enum skip missed;   /* HEARS_LATE */
	uint64_t strange;   /* HEARS_LATE: bytes without a beginning */
	bool heard[2];      /* bytes of this direction were seen */
	uint64_t next[2];   /* offsets */
	struct buf held;    /* HEARS_START: first bytes that do not tell yet */
	struct piece first; /* the piece they began in; `from` and `bytes` set when used */
	const struct proto *proto;
	void *state;
	UT_hash_handle hh;
};

struct wire {
	unsigned magic;
#define WIRE_MAGIC 0x31f20001u
	struct wire_opts o;
	struct proto_env env;
	struct wire_link *links;
	struct purses purses;
};

static const struct proto *const protos[] = { &pair_proto, &h2_proto };

int wire_new(const struct wire_opts *o, struct part_sink out, struct wire **ret)
{
	struct wire *w = obj_new(w, WIRE_MAGIC);

	if (!w)
		return -ENOMEM;
	w->o = *o;
	w->env.opts = &w->o;
	w->env.out = out;
	purses_init(&w->purses);
	*ret = w;
	return 0;
}

size_t wire_open(const struct wire *w)
{
	obj_check(w, WIRE_MAGIC);
	return w->env.open;
}

int64_t wire_held(const struct wire *w)
{
	obj_check(w, WIRE_MAGIC);
	return w->purses.all.held;
}

/* ---- the table ------------------------------------------------------------------------------- */

static int link_new(struct wire *w, uint64_t gen, struct purse *purse, struct wire_link **ret)
{
	struct wire_link *l;

	if (HASH_COUNT(w->links) >= LIMIT_CONNS) {
		count_limit(w->o.counters, CONNS);
		return -EMSGSIZE;
	}
	if (!proto_room(&w->env))
		return -EMSGSIZE;
	l = obj_new(l, WIRE_LINK_MAGIC);
	if (!l)
		return -ENOMEM;
	l->gen = gen;
	l->purse = purse;
	l->held.limit = LIMIT_HEAD_BYTES;
	HASH_ADD(hh, w->links, gen, sizeof(l->gen), l);
	if (!l->hh.tbl) {
		mem_free(l);
		return -ENOMEM;
	}
	*ret = l;
	return 0;
}

static int link_make(struct wire *w, const struct origin *from, struct wire_link **ret)
{
	struct mem_account *payer;
	struct purse *purse = NULL;
	int r = purse_get(&w->purses, from->cgroup, &purse);

	if (r < 0)
		return r;
	payer = mem_pay(&purse->account);
	r = link_new(w, from->gen, purse, ret);
	mem_pay(payer);
	if (r < 0)
		purse_put(&w->purses, purse);
	return r;
}

static void link_quiet(struct wire_link *l)
{
	if (l->state)
		l->proto->close(l->state);
	l->state = NULL;
	buf_done(&l->held);
}

static void link_forget(struct wire *w, struct wire_link *l)
{
	link_quiet(l);
	HASH_DELETE(hh, w->links, l);
	l->magic = ~WIRE_LINK_MAGIC;
	mem_free(l);
}

void wire_free(struct wire **pw)
{
	struct wire *w = obj_take(pw, WIRE_MAGIC);
	struct wire_link *l, *next;

	if (!w)
		return;
	HASH_ITER (hh, w->links, l, next) {
		struct purse *purse = l->purse;
		struct mem_account *payer = mem_pay(&purse->account);

		link_forget(w, l);
		mem_pay(payer);
		purse_put(&w->purses, purse);
	}
	mem_free(w);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static void wire_count(struct counters *c, enum skip why)
{
	if (why == SKIP_SERVER)
		count_add(c, CONNS_SERVER, 1);
	else if (why == SKIP_OPAQUE)
		count_add(c, CONNS_OPAQUE, 1);
	else if (why == SKIP_DESYNC)
		count_add(c, CONNS_DESYNC, 1);
}

/* The connection will not be decoded any more. What it holds back is accounted for. */
static void wire_die(struct wire *w, struct wire_link *l, const struct origin *from, enum skip why)
{
	proto_skipped(&w->env, from, why, l->held.n);
	link_quiet(l);
	l->hears = HEARS_NOTHING;
	l->dead = why;
	wire_count(w->o.counters, why);
	if (w->o.ignore)
		w->o.ignore(w->o.ctx, from, why);
}

/* Hands a piece to the protocol, and sees to it that each of its bytes was accounted for. */
static int wire_speak(struct wire *w, struct wire_link *l, const struct piece *in)
{
	enum skip dead = PROTO_ALIVE;
	int r;

	w->env.accounted = 0;
	r = l->proto->feed(l->state, in, &dead);
	if (r < 0) { /* no memory, or nobody takes the parts: this connection pays, no other */
		l->proto->drop(l->state, in, WHY_LIMIT);
		dead = SKIP_REFUSED;
	}
	assert(w->env.accounted <= in->bytes.n);
	if (dead == PROTO_ALIVE) {
		assert(w->env.accounted == in->bytes.n);
		return r;
	}
	proto_skipped(&w->env, in->from, dead, in->bytes.n - w->env.accounted);
	wire_die(w, l, in->from, dead);
	return r;
}

/* `in` is the first piece for `proto`, or everything held so far. */
static int wire_start(struct wire *w, struct wire_link *l, const struct proto *proto,
		      const struct proto_start *how, const struct piece *in)
{
	int r = proto->start(&w->env, how, &l->state);

	if (r < 0) {
		proto_skipped(&w->env, in->from, SKIP_REFUSED, in->bytes.n);
		wire_die(w, l, in->from, SKIP_REFUSED);
		return r;
	}
	l->proto = proto;
	l->hears = HEARS_PROTO;
	return wire_speak(w, l, in);
}

/* ---- connections known from their first byte ------------------------------------------------- */

enum verdict { SAYS_MORE, SAYS_CLIENT, SAYS_SERVER, SAYS_ANSWER, SAYS_OTHER };

/* Who is the observed process, given the first bytes of a connection or of a piece? */
static enum verdict wire_judge(enum flow_dir dir, struct str s, const struct proto **ret_proto)
{
	enum verdict v = SAYS_OTHER;

	for (size_t i = 0; i < COUNT_OF(protos); i++) {
		int begins = protos[i]->begins(s), answers = protos[i]->answers(s);

		if (begins == 1 || answers == 1) {
			*ret_proto = protos[i];
			if (begins == 1)
				return dir == DIR_OUT ? SAYS_CLIENT : SAYS_SERVER;
			return dir == DIR_OUT ? SAYS_SERVER : SAYS_ANSWER;
		}
		if (begins == 0 || answers == 0)
			v = SAYS_MORE;
	}
	return v;
}

static int wire_useless(struct wire *w, struct wire_link *l, const struct piece *in, enum skip why)
{
	proto_skipped(&w->env, in->from, why, in->bytes.n);
	wire_die(w, l, in->from, why);
	return 0;
}

/* The first bytes do not tell yet: kept until they do. */
static int wire_hold(struct wire *w, struct wire_link *l, const struct piece *in)
{
	int r = buf_add(&l->held, in->bytes);

	if (r == -EMSGSIZE) {
		count_limit(w->o.counters, HEAD_BYTES);
		return wire_useless(w, l, in, SKIP_OPAQUE);
	}
	if (r < 0) {
		wire_useless(w, l, in, SKIP_REFUSED);
		return r;
	}
	if (l->held.n == in->bytes.n)
		l->first = *in;
	return 0;
}

static void wire_late(struct wire *w, struct wire_link *l, const struct origin *from)
{
	l->hears = HEARS_LATE;
	l->missed = l->held.n ? SKIP_AFTER_GAP : SKIP_MIDSTREAM;
	proto_skipped(&w->env, from, l->missed, l->held.n);
	buf_done(&l->held);
}

/* No beginning of a message. In time it is none of ours. */
static int wire_strange(struct wire *w, struct wire_link *l, const struct piece *in)
{
	l->strange += in->bytes.n;
	if (l->strange > LIMIT_STRANGE_BYTES) {
		count_limit(w->o.counters, STRANGE_BYTES);
		return wire_useless(w, l, in, SKIP_OPAQUE);
	}
	proto_skipped(&w->env, in->from, l->missed, in->bytes.n);
	return 0;
}

/* ---- connections joined midway --------------------------------------------------------------- */

static const struct proto *wire_midway(struct str bytes)
{
	for (size_t i = 0; i < COUNT_OF(protos); i++)
		if (protos[i]->joins && protos[i]->joins(bytes))
			return protos[i];
	return NULL;
}

static int wire_join(struct wire *w, struct wire_link *l, const struct piece *in)
{
	struct proto_start how = { .missed = l->missed };
	const struct proto *proto = NULL;
	enum verdict v = wire_judge(in->dir, in->bytes, &proto);

	/* Only what the observed process wrote proves its side: its peer may send it anything. */
	if (in->dir == DIR_OUT && v == SAYS_SERVER)
		return wire_useless(w, l, in, SKIP_SERVER);
	how.sync[DIR_IN] = v == SAYS_ANSWER && !l->heard[DIR_IN] &&
			   (in->off == 0 || l->missed == SKIP_MIDSTREAM);
	if (v == SAYS_CLIENT || how.sync[DIR_IN])
		return wire_start(w, l, proto, &how, in);
	if (v == SAYS_OTHER &&
	    (in->dir == DIR_OUT || (!l->heard[DIR_IN] && l->missed == SKIP_MIDSTREAM)))
		proto = wire_midway(in->bytes);
	else
		proto = NULL;
	return proto ? wire_start(w, l, proto, &how, in) : wire_strange(w, l, in);
}

/* ---- connections known from their first bytes ------------------------------------------------ */

static int wire_decide(struct wire *w, struct wire_link *l, const struct piece *in, enum verdict v,
		       const struct proto *proto)
{
	struct proto_start how = { .sync = { true, true }, .missed = SKIP_MIDSTREAM };

	if (v == SAYS_CLIENT || v == SAYS_ANSWER)
		return wire_start(w, l, proto, &how, in);
	if (v == SAYS_SERVER)
		return wire_useless(w, l, in, SKIP_SERVER);
	/* Our offsets start where we joined: this may be the middle of a message. */
	wire_late(w, l, in->from);
	return wire_join(w, l, in);
}

#define LONG_WORD 64 /* bytes; longer than any whose letters tell something */

/* Only its end tells more of a long word. Were it judged each time that it grows, its length would cost its square. */
static bool wire_goes_on(const struct wire_link *l, struct str more)
{
	if (l->held.n - more.n < LONG_WORD)
		return false;
	for (size_t i = 0; i < more.n; i++)
		if ((unsigned char)more.p[i] <= ' ' || more.p[i] == 0x7f)
			return false;
	return true;
}

static int wire_listen(struct wire *w, struct wire_link *l, const struct piece *in)
{
	const struct proto *proto = NULL;
	enum verdict v;
	int r;

	if (!l->held.n) {
		v = wire_judge(in->dir, in->bytes, &proto);
		return v == SAYS_MORE ? wire_hold(w, l, in) : wire_decide(w, l, in, v, proto);
	}
	if (in->dir != l->first.dir) { /* answered before it was whole: some of it is lost */
		wire_late(w, l, in->from);
		return wire_join(w, l, in);
	}
	r = wire_hold(w, l, in);
	if (r < 0 || l->hears != HEARS_START || wire_goes_on(l, in->bytes))
		return r;
	v = wire_judge(in->dir, buf_str(&l->held), &proto);
	if (v != SAYS_MORE) {
		_cleanup_(buf_done) struct buf held = l->held;
		struct piece whole = l->first;

		l->held = (struct buf){ .limit = held.limit };
		whole.from = in->from;
		whole.bytes = buf_str(&held);
		r = wire_decide(w, l, &whole, v, proto);
	}
	return r;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static int wire_gap(struct wire *w, struct wire_link *l, const struct piece *in)
{
	if (l->hears == HEARS_PROTO)
		return wire_speak(w, l, in);
	if (l->hears != HEARS_START)
		return 0;
	wire_late(w, l, in->from);
	return 0;
}

static int wire_bytes(struct wire *w, struct wire_link *l, const struct piece *in)
{
	int r = 0;

	if (in->off > l->next[in->dir]) { /* a hole that nobody named */
		struct piece gap = *in;

		gap.kind = PIECE_GAP;
		gap.bytes = STR_NONE;
		gap.off = l->next[in->dir];
		gap.gap = in->off - gap.off;
		r = wire_gap(w, l, &gap);
	}
	l->next[in->dir] = in->off + in->bytes.n;
	if (r < 0) {
		proto_skipped(&w->env, in->from, SKIP_REFUSED, in->bytes.n);
		return r;
	}
	switch (l->hears) {
	case HEARS_START:
		r = wire_listen(w, l, in);
		break;
	case HEARS_LATE:
		r = wire_join(w, l, in);
		break;
	case HEARS_PROTO:
		r = wire_speak(w, l, in);
		break;
	case HEARS_NOTHING:
		proto_skipped(&w->env, in->from, l->dead, in->bytes.n);
		break;
	}
	l->heard[in->dir] = true;
	return r;
}

static int wire_end(struct wire *w, struct wire_link *l, const struct piece *in)
{
	int r = l->hears == HEARS_PROTO ? wire_speak(w, l, in) : 0;

	if (in->end == END_EOF)
		return r;
	/* too short to tell what it was */
	proto_skipped(&w->env, in->from, SKIP_OPAQUE, l->held.n);
	return r;
}

static int wire_piece(struct wire *w, struct wire_link *l, const struct piece *in)
{
	int r;

	switch (in->kind) {
	case PIECE_BYTES:
		return wire_bytes(w, l, in);
	case PIECE_GAP:
		r = wire_gap(w, l, in);
		l->next[in->dir] = in->off + in->gap;
		return r;
	case PIECE_END:
		break;
	}
	return wire_end(w, l, in);
}

int wire_feed(struct wire *w, const struct piece *in)
{
	struct mem_account *payer;
	struct purse *purse;
	bool over = in->kind == PIECE_END && in->end != END_EOF;
	struct wire_link *l;
	int r;

	obj_check(w, WIRE_MAGIC);
	w->env.sink_r = 0;
	HASH_FIND(hh, w->links, &in->from->gen, sizeof(in->from->gen), l);
	if (!l && in->kind == PIECE_END)
		return 0;
	if (!l) {
		r = link_make(w, in->from, &l);
		if (r < 0) {
			proto_skipped(&w->env, in->from, SKIP_REFUSED, in->bytes.n);
			return r == -EMSGSIZE ? 0 : r;
		}
	}
	purse = l->purse;
	payer = mem_pay(&purse->account);
	r = wire_piece(w, l, in);
	if (r == -ENOMEM && proto_refused(&w->env))
		r = 0; /* a limit, which this connection has paid for */
	if (over)
		link_forget(w, l);
	mem_pay(payer);
	if (over)
		purse_put(&w->purses, purse);
	return r;
}
