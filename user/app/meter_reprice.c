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

/* A plan pays without a price, too; then nobody knows what it is worth. */
static bool has_price(const struct charge *c)
{
	return c->billing != BILLING_UNPRICED && (c->billing != BILLING_SUBSCRIPTION || c->entry.n);
}

static bool same(const struct charge *a, const struct charge *b)
{
	return a->billing == b->billing && a->pico == b->pico && a->list_pico == b->list_pico &&
	       str_eq(a->contract, b->contract);
}

/* As it was when this call was first charged: what was charged before it. */
static int on_sums(void *ctx, struct str contract, uint64_t from_ns, uint64_t until_ns,
		   struct price_sums *ret)
{
	struct run *x = ctx;
	struct total t;
	int r = ledger_total_before(x->m->ledger, x->row->posting.id, contract, from_ns, until_ns,
				    &t);

	if (r == 0)
		*ret = (struct price_sums){ .net = t.net, .list = t.list };
	return r;
}

static int on_charge(void *ctx, const struct charge *c)
{
	struct run *x = ctx;
	const struct charge *old = &x->row->charge;
	bool first = !has_price(old);
	struct posting p = x->row->posting;
	struct repriced got;
	int r;

	x->got.unpriced += first && !has_price(c);
	if (!has_price(c) || (!first && same(c, old)))
		return 0;
	p.charge = c;
	r = ledger_reprice(x->m->ledger, &p, x->row->revision, x->actor, &got);
	if (r == -ENOENT) /* joined since this read began */
		return 0;
	if (r < 0)
		return r;
	if (got.charged)
		*(first ? &x->got.priced : &x->got.corrected) += 1;
	x->got.joined += got.joined;
	x->more += got.more;
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
	/* what would be done is what is done, and undone */
	if (r == 0 && x.what->dry_run)
		r = ledger_rehearse(m->ledger, true);
	if (r == 0)
		r = run(&x, db, error);
	if (x.what->dry_run) {
		int undone = ledger_rehearse(m->ledger, false);

		r = r < 0 ? r : undone;
	}
	price_free(&x.price);
	a->r = r;
	a->reprice = x.got;
	if (r < 0) {
		log_warn(r, "calls could not be priced anew%s%s", error[0] ? ": " : "", error);
		snprintf(a->text, sizeof(a->text), "%s", error[0] ? error : strerror(-r));
	}
}
