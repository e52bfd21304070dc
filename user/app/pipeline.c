#include "app/pipeline.h"
#include "base/obj.h"
#include "conn/conn.h"
#include "llm/llm.h"
#include "probe/order.h"

/* Made from the end to the beginning: each stage is handed the outlet it pours into. This file is the only one that
 * knows what follows what. */
struct pipeline {
	unsigned magic;
#define PIPELINE_MAGIC 0x50495045u
	struct order *order;
	struct conn *conn;
	struct wire *wire;
	struct llm *llm;
	struct price *price;
	struct team *team;
	int (*created)(void *ctx, struct usage *u);
	void *ctx;
	const struct usage *told; /* what is priced, as it was told */
};

static int to_order(void *ctx, const struct chunk *r)
{
	struct pipeline *p = ctx;

	return order_feed(p->order, r);
}

static int to_conn(void *ctx, const struct chunk *r)
{
	struct pipeline *p = ctx;

	return conn_feed(p->conn, r);
}

static int to_wire(void *ctx, const struct piece *r)
{
	struct pipeline *p = ctx;

	return wire_feed(p->wire, r);
}

static int to_llm(void *ctx, const struct part *r)
{
	struct pipeline *p = ctx;

	return llm_feed(p->llm, r);
}

static int to_price(void *ctx, const struct usage *r)
{
	struct pipeline *p = ctx;
	/* what is remembered from here on is no connection's (obj.h) */
	struct mem_account *payer = mem_pay(NULL);
	struct usage made = *r;
	int done = p->created ? p->created(p->ctx, &made) : 0;

	p->told = r;
	if (done == 0)
		done = price_feed(p->price, &made);
	mem_pay(payer);
	return done;
}

static struct str stands_for(void *ctx, const struct usage *u)
{
	struct pipeline *p = ctx;

	return price_said(p->price, u);
}

static int to_team(void *ctx, const struct charge *r)
{
	struct pipeline *p = ctx;
	struct charge c = *r;
	struct usage told = *p->told;

	/* the rest of what it was priced by is that of another call, which has a row of its own */
	told.billing = r->usage->billing;
	told.region = r->usage->region;
	c.usage = &told;
	return team_feed(p->team, &c);
}

static int pipeline_join(struct pipeline *p, const struct pipeline_opts *o, struct posting_sink out)
{
	struct llm_opts llm = { .counters = o->counters,
				.endpoint = o->endpoint,
				.ctx = o->ctx,
				.stands_for = stands_for,
				.stands_ctx = p,
				.alone = o->alone };
	struct wire_opts wire = { .counters = o->counters,
				  .parsed = o->parsed,
				  .skipped = o->skipped,
				  .ignore = o->ignore,
				  .ctx = o->ctx };
	struct order_opts order = { .counters = o->counters, .skipped = o->skipped, .ctx = o->ctx };
	struct conn_opts conn = { .counters = o->counters, .skipped = o->skipped, .ctx = o->ctx };
	int r;

	p->created = o->created;
	p->ctx = o->ctx;
	memcpy(llm.key, o->key, sizeof(llm.key));
	r = team_new(&o->team, out, &p->team);
	if (r == 0)
		r = price_new(o->book, (struct charge_sink){ to_team, p }, &p->price);
	if (r == 0 && o->sums)
		price_sums_from(p->price, o->sums, o->ctx);
	if (r == 0)
		r = llm_new(&llm, (struct usage_sink){ to_price, p }, &p->llm);
	if (r == 0)
		r = wire_new(&wire, (struct part_sink){ to_llm, p }, &p->wire);
	if (r == 0)
		r = conn_new(&conn, (struct piece_sink){ to_wire, p }, &p->conn);
	if (r == 0)
		r = order_new(&order, (struct chunk_sink){ to_conn, p }, &p->order);
	return r;
}

int pipeline_new(const struct pipeline_opts *o, struct posting_sink out, struct pipeline **ret)
{
	_cleanup_(pipeline_free) struct pipeline *p = obj_new(p, PIPELINE_MAGIC);
	int r;

	if (!p)
		return -ENOMEM;
	r = pipeline_join(p, o, out);
	if (r < 0)
		return r;
	*ret = take(p);
	return 0;
}

struct chunk_sink pipeline_inlet(struct pipeline *p)
{
	obj_check(p, PIPELINE_MAGIC);
	return (struct chunk_sink){ to_order, p };
}

void pipeline_use(struct pipeline *p, const struct map *map)
{
	obj_check(p, PIPELINE_MAGIC);
	team_use(p->team, map);
}

void pipeline_prices(struct pipeline *p, const struct book *book)
{
	obj_check(p, PIPELINE_MAGIC);
	price_use(p->price, book);
}

size_t pipeline_open(const struct pipeline *p)
{
	obj_check(p, PIPELINE_MAGIC);
	return wire_open(p->wire);
}

int pipeline_tick(struct pipeline *p, uint64_t clear_ns)
{
	obj_check(p, PIPELINE_MAGIC);
	return order_tick(p->order, clear_ns);
}

int pipeline_flush(struct pipeline *p, uint64_t now_ns)
{
	int held, r;

	obj_check(p, PIPELINE_MAGIC);
	held = order_flush(p->order);
	r = conn_flush(p->conn, now_ns);
	return r < 0 ? r : held;
}

void pipeline_free(struct pipeline **pp)
{
	struct pipeline *p = obj_take(pp, PIPELINE_MAGIC);

	if (!p)
		return;
	order_free(&p->order);
	conn_free(&p->conn);
	wire_free(&p->wire);
	llm_free(&p->llm);
	price_free(&p->price);
	team_free(&p->team);
	mem_free(p);
}
