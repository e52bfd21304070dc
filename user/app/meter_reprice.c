/* meter_reprice.c -- calls that are booked, priced once more: from what was stored of their usage, by the book of now. */
#include <stdio.h>
#include "app/meter.h"
#include "base/clock.h"
#include "base/log.h"
#include "report/row.h"

#define STEP_NS (NS_PER_SEC / 10) /* then the rings want to be read; who asked asks on */

struct run {
	struct meter *m;
	const struct ask_reprice *what;
	struct str actor;
	struct price *price;
	const struct query_row *row; /* that is looked at */
	uint64_t until_ns;           /* CLOCK_BOOTTIME */
	struct answer_reprice got;
	__int128 more;
};

static int64_t due(const struct charge *c)
{
	return c->billing == BILLING_METERED ? c->pico : 0;
}

static bool same(const struct charge *a, const struct charge *b)
{
	return a->billing == b->billing && a->pico == b->pico && a->list_pico == b->list_pico &&
	       str_eq(a->contract, b->contract);
}

/* As it would have been then: what began earlier under this contract. */
static int on_sums(void *ctx, struct str contract, uint64_t from_ns, uint64_t until_ns,
		   struct price_sums *ret)
{
	struct run *x = ctx;
	struct total t;
	int r = ledger_total_once(x->m->ledger, contract, from_ns,
				  MIN(until_ns, x->row->usage.start_ns), &t);

	if (r == 0)
		*ret = (struct price_sums){ .net = t.net, .list = t.list };
	return r;
}

static int on_charge(void *ctx, const struct charge *c)
{
	struct run *x = ctx;
	const struct charge *old = &x->row->charge;
	bool first = old->billing == BILLING_UNPRICED;
	struct posting p = x->row->posting;
	int64_t more = due(c) - due(old);
	int r;

	x->got.unpriced += first && c->billing == BILLING_UNPRICED;
	if (c->billing == BILLING_UNPRICED || (!first && same(c, old)))
		return 0;
	p.charge = c;
	r = x->what->dry_run ? 0
			     : ledger_reprice(x->m->ledger, &p, x->row->revision, x->actor, &more);
	if (r < 0)
		return r;
	*(first ? &x->got.priced : &x->got.corrected) += 1;
	x->more += more;
	return 0;
}

static int on_row(void *ctx, const struct query_row *row)
{
	struct run *x = ctx;

	x->row = row;
	x->got.looked++;
	x->got.next = row->seq;
	/* what no price can help is left alone: its usage is not known, or nobody asks money for it */
	if (row->usage.billing != BILLING_UNPRICED) {
		int r = price_feed(x->price, &row->usage);

		if (r < 0)
			return r;
	} else {
		x->got.unpriced++;
	}
	return clock_boot_ns() >= x->until_ns;
}

static int run(struct run *x, struct query *q, char error[QUERY_ERROR])
{
	const struct ask_reprice *w = x->what;
	struct query_filter f = {
		.since_ns = w->since_ns,
		.until_ns = w->until_ns,
		.after_seq = w->after_seq,
		.provider = w->provider[0] ? str_of(w->provider) : STR_NONE,
		.model = w->model[0] ? str_of(w->model) : STR_NONE,
	};
	bool more = false;
	int r = price_new(x->m->book, (struct charge_sink){ on_charge, x }, &x->price);

	if (r < 0)
		return r;
	price_sums_from(x->price, on_sums, x);
	x->until_ns = clock_boot_ns() + STEP_NS;
	r = query_each_priced(q, &f, w->corrected, on_row, x, &more, error);
	if (r == 0 && !more)
		x->got.next = 0;
	dec_split(x->more, &x->got.high, &x->got.low);
	return r;
}

void meter_reprice(struct meter *m, const struct ask *q, struct answer *a)
{
	_cleanup_(query_close) struct query *db = NULL;
	struct run x = { .m = m,
			 .what = &q->reprice,
			 .actor = { q->actor, strnlen(q->actor, sizeof(q->actor)) } };
	char path[CONF_TEXT + 16], error[QUERY_ERROR] = "";
	int r = meter_commit(m); /* the reader sees what is on disk */

	snprintf(path, sizeof(path), "%s/ledger.db", m->board->conf.state);
	if (r == 0)
		r = query_open(path, &db, error);
	if (r == 0)
		r = run(&x, db, error);
	price_free(&x.price);
	a->r = r;
	a->reprice = x.got;
	if (r < 0) {
		log_warn(r, "calls could not be priced anew%s%s", error[0] ? ": " : "", error);
		snprintf(a->text, sizeof(a->text), "%s", error[0] ? error : strerror(-r));
	}
}
