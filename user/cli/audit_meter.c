#include "app/pipeline.h"
#include "base/limit.h"
#include "base/obj.h"
#include "cli/audit.h"

struct audit_meter {
	unsigned magic;
#define AUDIT_METER_MAGIC 0x61756d31u
	struct audit_opts o;
	struct counters counters;
	struct pipeline *pipeline;
	uint64_t gen, random;
	/* the exchange under way */
	const struct audit_exchange *x;
	const unsigned char *id;
	size_t count;
};

static struct str source_id(void *ctx, const struct origin *from)
{
	const struct audit_meter *m = ctx;

	(void)from;
	return m->x->id;
}

static void no_facts(void *ctx, const struct origin *from, struct subject *ret)
{
	(void)ctx;
	(void)from;
	*ret = (struct subject){ 0 };
}

/* Several calls of one exchange are the results of a batch. */
static void make_id(const struct audit_meter *m, unsigned char ret[CALL_ID])
{
	struct hash h;

	memcpy(ret, m->id, CALL_ID);
	if (m->count == 1)
		return;
	hash_init(&h, NULL, CALL_ID);
	hash_add(&h, (struct str){ (const char *)m->id, CALL_ID });
	hash_u64(&h, m->count);
	hash_end(&h, ret, CALL_ID);
}

/* An answer that was fetched by its id is billed where the books know who asked for it. There are no books here, so it is
 * what it looks like: a look at what is stored. */
static int without_books(struct audit_meter *m, struct posting *p)
{
	struct usage u = *p->charge->usage;
	struct charge c = { .usage = &u, .billing = BILLING_UNPRICED, .why = WHY_NOT_INFERENCE };

	u.kind = KIND_OTHER;
	u.source = SOURCE_NONE;
	u.later = LATER_NOT;
	u.billing = BILLING_UNPRICED;
	u.why = WHY_NOT_INFERENCE;
	u.raw = u.reported_cost = STR_NONE;
	u.used = u.low = u.high = (struct leaves){ 0 };
	u.flags = 0;
	p->charge = &c;
	return posting_put(m->o.out, p);
}

/* A call of saved traffic has no owner, and the id of its place in the file. */
static int to_out(void *ctx, const struct posting *in)
{
	struct audit_meter *m = ctx;
	struct posting p = { .charge = in->charge, .source_id = in->source_id };

	m->count++;
	make_id(m, p.id);
	return in->charge->usage->later == LATER_FETCHED ? without_books(m, &p)
							 : posting_put(m->o.out, &p);
}

int audit_meter_new(const struct audit_opts *o, struct audit_meter **ret)
{
	_cleanup_(audit_meter_free) struct audit_meter *m = obj_new(m, AUDIT_METER_MAGIC);
	struct pipeline_opts p = { .book = o->book };
	int r;

	if (!m)
		return -ENOMEM;
	m->o = *o;
	m->random = o->seed;
	p.counters = &m->counters;
	p.team = (struct team_opts){
		.saved = true, .source_id = source_id, .facts = no_facts, .ctx = m
	};
	memcpy(p.key, o->key, HASH_KEY);
	r = pipeline_new(&p, (struct posting_sink){ to_out, m }, &m->pipeline);
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
	pipeline_free(&m->pipeline);
	mem_free(m);
}

enum { HTTP_SWITCHING = 101 };

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
		r = chunk_put(pipeline_inlet(m->pipeline), &c);
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
	/* the messages of a WebSocket are in none of these files: something is missing on both sides */
	last.final[DIR_OUT] = ask.n + (x->status == HTTP_SWITCHING);
	last.final[DIR_IN] = answer.n + x->lost + (x->status == HTTP_SWITCHING);
	if (r == 0)
		r = chunk_put(pipeline_inlet(m->pipeline), &last);
	*ret_count = m->count;
	return r;
}
