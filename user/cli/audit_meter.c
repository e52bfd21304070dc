#include "base/limit.h"
#include "base/obj.h"
#include "cli/audit.h"
#include "conn/conn.h"
#include "llm/llm.h"
#include "wire/wire.h"

struct audit_meter {
	unsigned magic;
#define AUDIT_METER_MAGIC 0x61756d31u
	struct audit_opts o;
	struct counters counters;
	struct conn *conn;
	struct wire *wire;
	struct llm *llm;
	struct price *price;
	uint64_t gen, random;
	/* the exchange under way */
	const struct audit_exchange *x;
	const unsigned char *id;
	size_t count;
};

static int to_wire(void *ctx, const struct piece *r)
{
	struct audit_meter *m = ctx;

	return wire_feed(m->wire, r);
}

static int to_llm(void *ctx, const struct part *r)
{
	struct audit_meter *m = ctx;

	return llm_feed(m->llm, r);
}

static int to_price(void *ctx, const struct usage *r)
{
	struct audit_meter *m = ctx;

	return price_feed(m->price, r);
}

static int to_posting(void *ctx, const struct charge *r)
{
	struct audit_meter *m = ctx;
	struct posting p = { .charge = r, .source_id = m->x->id };

	m->count++;
	memcpy(p.id, m->id, CALL_ID);
	return posting_put(m->o.out, &p);
}

int audit_meter_new(const struct audit_opts *o, struct audit_meter **ret)
{
	_cleanup_(audit_meter_free) struct audit_meter *m = obj_new(m, AUDIT_METER_MAGIC);
	struct llm_opts llm = { 0 };
	struct wire_opts wire = { 0 };
	struct conn_opts conn = { 0 };
	int r;

	if (!m)
		return -ENOMEM;
	m->o = *o;
	m->random = o->seed;
	llm.counters = wire.counters = conn.counters = &m->counters;
	memcpy(llm.key, o->key, HASH_KEY);
	r = price_new(o->book, (struct charge_sink){ to_posting, m }, &m->price);
	if (r == 0)
		r = llm_new(&llm, (struct usage_sink){ to_price, m }, &m->llm);
	if (r == 0)
		r = wire_new(&wire, (struct part_sink){ to_llm, m }, &m->wire);
	if (r == 0)
		r = conn_new(&conn, (struct piece_sink){ to_wire, m }, &m->conn);
	if (r < 0)
		return r;
	*ret = take(m);
	return 0;
}

void audit_meter_free(struct audit_meter **mm)
{
	struct audit_meter *m = obj_take(mm, AUDIT_METER_MAGIC);

	if (!m)
		return;
	conn_free(&m->conn);
	wire_free(&m->wire);
	llm_free(&m->llm);
	price_free(&m->price);
	mem_free(m);
}

/* As many bytes as one read or write may have carried. */
static size_t cut(struct audit_meter *m)
{
	static const size_t most[] = { 1, 7, 100, 1500, LIMIT_CHUNK_BYTES };

	if (!m->o.seed)
		return LIMIT_CHUNK_BYTES;
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return 1 + (m->random >> 8) % most[m->random % COUNT_OF(most)];
}

static int pour(struct audit_meter *m, enum flow_dir dir, uint64_t at_ns, struct str bytes)
{
	struct chunk c = { .from.gen = m->gen, .dir = dir, .at_ns = at_ns };
	int r = 0;

	while (r == 0 && bytes.n) {
		c.bytes = str_head(bytes, cut(m));
		r = conn_feed(m->conn, &c);
		c.off += c.bytes.n;
		bytes = str_skip(bytes, c.bytes.n);
	}
	return r;
}

int audit_meter_feed(struct audit_meter *m, const struct audit_exchange *x,
		     const unsigned char id[CALL_ID], size_t *ret_count)
{
	_cleanup_(buf_done) struct buf ask = { .limit = LIMIT_AUDIT_LINE };
	_cleanup_(buf_done) struct buf answer = { .limit = 2 * (size_t)LIMIT_AUDIT_LINE };
	uint64_t start = x->start_ns ? x->start_ns : m->o.at_ns;
	uint64_t end = x->end_ns > start ? x->end_ns : start;
	struct chunk last = { .end = END_FREE, .at_ns = end };
	int r;

	obj_check(m, AUDIT_METER_MAGIC);
	m->x = x;
	m->id = id;
	m->count = 0;
	m->gen++;
	r = audit_request_bytes(x, &ask);
	if (r == 0 && x->status)
		r = audit_answer_bytes(x, &answer);
	if (r == 0)
		r = pour(m, DIR_OUT, start, buf_str(&ask));
	if (r == 0)
		r = pour(m, DIR_IN, end, buf_str(&answer));
	last.from.gen = m->gen;
	last.final[DIR_OUT] = ask.n;
	last.final[DIR_IN] = answer.n + x->lost;
	if (r == 0)
		r = conn_feed(m->conn, &last);
	*ret_count = m->count;
	return r;
}
