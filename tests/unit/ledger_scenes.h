/* ledger_scenes.h -- calls that the tests of the ledger book: queued, fetched, unpriced, legs of a gateway. */
#ifndef TESTS_LEDGER_SCENES_H
#define TESTS_LEDGER_SCENES_H

#include "ledger_kit.h"

enum { /* where bytes come from */
#define TLS(row, family, function, shape, dir, finder, tried) TLS_##row,
#include "tbl/tls.h"
#undef TLS
};

static const unsigned char first[8] = "epoch--1", second[8] = "epoch--2";

static inline void start(struct kit *k)
{
	kit_make(k);
	assert_int_equal(kit_open(k), 0);
	assert_int_equal(ledger_epoch_begin(k->l, first, KIT_START), 0);
}

static inline void again(struct kit *k, const unsigned char epoch[8])
{
	assert_int_equal(ledger_commit(k->l), 0);
	ledger_close(&k->l);
	assert_int_equal(kit_open(k), 0);
	assert_int_equal(ledger_epoch_begin(k->l, epoch, KIT_START + 5000), 0);
}

static inline void end(struct kit *k)
{
	assert_int_equal(ledger_commit(k->l), 0);
	kit_sound(k);
	kit_done(k);
}

static inline void unpriced(struct kit_call *c, enum why why)
{
	c->charge.billing = BILLING_UNPRICED;
	c->charge.why = why;
	c->charge.book = c->charge.entry = STR_NONE;
	c->charge.count = 0;
	c->charge.pico = c->charge.low_pico = c->charge.high_pico = 0;
}

/* Nothing is known of it yet. */
static inline void queued(struct kit_call *c, unsigned number, const char *team)
{
	kit_call(c, number, team, 0);
	unpriced(c, WHY_BACKGROUND);
	c->usage.billing = BILLING_UNPRICED;
	c->usage.why = WHY_BACKGROUND;
	c->usage.source = SOURCE_NONE;
	c->usage.used = (struct leaves){ 0 };
}

static inline void fetched(struct kit_call *c, unsigned number, unsigned id, const char *team,
			   int64_t pico)
{
	kit_call(c, number, team, pico);
	c->posting.id[15] = (unsigned char)id;
	c->usage.later = LATER_FETCHED;
	c->usage.start_ns += 3600 * NS_PER_SEC;
	c->usage.end_ns += 3600 * NS_PER_SEC;
}

static inline void scene_feed(struct kit *k, struct kit_call *c)
{
	assert_int_equal(ledger_feed(k->l, &c->posting), 0);
	assert_int_equal(k->counters.n[CNT_POST_REFUSED], 0);
}
#define feed           scene_feed

#define SPENT(k, team) kit_balance(k, team, "spend")

struct leg {
	unsigned id; /* the answer's */
	/* g: a gateway's TLS; p: plain HTTP to it; q: the same, to a host that is listed; t: TLS of others, m: joined midway;
	 * h: plain HTTP of a gateway */
	char who;
	const char *team;
	int64_t pico; /* -1: no price */
};

static inline void leg_call(struct kit_call *c, const struct leg *l, unsigned number)
{
	bool unlisted = (l->who == 'p' || l->who == 'h') && l->pico < 0;
	bool plain = unlisted || strchr("phq", l->who);

	kit_call(c, l->id, l->team, MAX(l->pico, (int64_t)0));
	if (l->pico < 0)
		unpriced(c, unlisted ? WHY_UNKNOWN_HOST : WHY_NO_PRICE);
	c->posting.id[15] = (unsigned char)number;
	c->posting.gateway = l->who == 'g' || l->who == 'h';
	c->posting.cgroup = str_of(l->team);
	c->usage.host = plain ? S("127.0.0.1:4000") : S("api.openai.com");
	c->usage.provider = unlisted ? S("unknown") : S("openai");
	c->usage.why = l->who == 'm' ? WHY_MIDSTREAM : WHY_NONE;
	c->usage.from.row = plain ? TLS_PLAIN : 0;
	c->usage.from.tgid = plain ? 43 : 42;
	/* the caller's side lies around the gateway's */
	c->usage.start_ns -= plain ? 100 : 0;
	c->usage.end_ns += plain ? 100 : 0;
}

static inline void leg(struct kit *k, const struct leg *l, unsigned number)
{
	struct kit_call c;

	leg_call(&c, l, number);
	feed(k, &c);
	assert_int_equal(ledger_commit(k->l), 0);
}

#endif
