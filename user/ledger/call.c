#include <stdio.h>
#include "base/hash.h"
#include "base/names.h"
#include "base/limit.h"
#include "base/obj.h"
#include "ledger/call.h"
#include "ledger/text.h"

#define TEXT_BYTES 1024  /* names, ids */
#define PATH_BYTES 4096  /* cgroup, exe */
#define RAW_BYTES  65536 /* LIMIT_JSON_VALUE, had every byte to be replaced */
#define LEAF_TEXT  64    /* one leaf as JSON */

/* Every text of the three records: what is copied, and what is content. */
#define AT(record, member, most)                      \
	{                                             \
		offsetof(struct record, member), most \
	}
struct field {
	size_t at, most;
};
static const struct field posting_fields[] = {
	AT(posting, source_id, TEXT_BYTES),   AT(posting, host, TEXT_BYTES),
	AT(posting, boot_id, TEXT_BYTES),     AT(posting, cgroup, PATH_BYTES),
	AT(posting, unit, TEXT_BYTES),        AT(posting, container, TEXT_BYTES),
	AT(posting, pod, TEXT_BYTES),         AT(posting, namespace_, TEXT_BYTES),
	AT(posting, exe, PATH_BYTES),         AT(posting, team, TEXT_BYTES),
	AT(posting, project, TEXT_BYTES),     AT(posting, department, TEXT_BYTES),
	AT(posting, cost_center, TEXT_BYTES), AT(posting, environment, TEXT_BYTES),
	AT(posting, rule, TEXT_BYTES),        AT(posting, map_revision, TEXT_BYTES),
};
static const struct field charge_fields[] = {
	AT(charge, book, TEXT_BYTES),     AT(charge, entry, TEXT_BYTES),
	AT(charge, match, TEXT_BYTES),    AT(charge, tier, TEXT_BYTES),
	AT(charge, band, TEXT_BYTES),     AT(charge, region, TEXT_BYTES),
	AT(charge, contract, TEXT_BYTES),
};
static const struct field usage_fields[] = {
	AT(usage, provider, TEXT_BYTES),     AT(usage, host, TEXT_BYTES),
	AT(usage, operation, TEXT_BYTES),    AT(usage, model_requested, TEXT_BYTES),
	AT(usage, model_served, TEXT_BYTES), AT(usage, response_id, TEXT_BYTES),
	AT(usage, request_id, TEXT_BYTES),   AT(usage, tier, TEXT_BYTES),
	AT(usage, region, TEXT_BYTES),       AT(usage, credential, TEXT_BYTES),
	AT(usage, request_hash, TEXT_BYTES), AT(usage, session, TEXT_BYTES),
	AT(usage, raw, RAW_BYTES),           AT(usage, reported_cost, TEXT_BYTES),
};

enum { /* where bytes come from */
#define TLS(row, family, function, shape, dir, finder, tried) ROW_##row,
#include "tbl/tls.h"
#undef TLS
};

static struct str *text_at(void *record, size_t at)
{
	return (struct str *)(void *)((char *)record + at);
}

static int own(struct arena *a, void *record, const struct field *f, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		struct str *s = text_at(record, f[i].at);

		r = text_clean(a, *s, f[i].most, s);
	}
	return r;
}

static void hash_texts(struct hash *h, void *record, const struct field *f, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct str *s = text_at(record, f[i].at);

		hash_u64(h, s->p != NULL);
		hash_field(h, *s);
	}
}

static void hash_leaves(struct hash *h, const struct leaves *l)
{
	hash_u64(h, l->has);
	for (int i = 0; i < LEAF_COUNT; i++)
		if (leaf_has(l, i))
			hash_u64(h, l->n[i]);
}

static void content_of(struct call *c)
{
	const struct usage *u = &c->usage;
	const struct charge *g = &c->charge;
	const uint64_t numbers[] = {
		u->from.gen,
		u->from.cgroup,
		u->from.start_ns,
		u->from.tgid,
		u->from.uid,
		u->off,
		u->start_ns,
		u->first_ns,
		u->end_ns,
		u->kind,
		u->outcome,
		u->source,
		u->stream,
		(uint64_t)u->status,
		(uint64_t)u->retry,
		u->billing,
		u->why,
		u->later,
		u->flags,
		g->billing,
		g->why,
		g->flags,
		(uint64_t)g->list_pico,
		(uint64_t)g->shadow_pico,
		g->count,
		(uint64_t)g->pico,
		(uint64_t)g->low_pico,
		(uint64_t)g->high_pico,
	};
	struct hash h;

	hash_init(&h, NULL, sizeof(c->content));
	hash_texts(&h, &c->posting, posting_fields, COUNT_OF(posting_fields));
	hash_texts(&h, &c->charge, charge_fields, COUNT_OF(charge_fields));
	hash_texts(&h, &c->usage, usage_fields, COUNT_OF(usage_fields));
	hash_field(&h, (struct str){ u->from.comm, strnlen(u->from.comm, sizeof(u->from.comm)) });
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		hash_u64(&h, numbers[i]);
	hash_leaves(&h, &u->used);
	hash_leaves(&h, &u->low);
	hash_leaves(&h, &u->high);
	for (size_t i = 0; i < g->count; i++) {
		hash_u64(&h, g->line[i].leaf);
		hash_u64(&h, g->line[i].quantity);
		hash_u64(&h, (uint64_t)g->line[i].rate.pico);
		hash_u64(&h, g->line[i].rate.per);
		hash_u64(&h, (uint64_t)g->line[i].pico);
	}
	hash_end(&h, c->content, sizeof(c->content));
}

/* {"in_text":12,"out_text":3} */
static int leaves_text(struct arena *a, const struct leaves *l, struct str *ret)
{
	char out[LEAF_COUNT * LEAF_TEXT];
	int n = 1;

	out[0] = '{';
	for (int i = 0; i < LEAF_COUNT; i++)
		if (leaf_has(l, i))
			n += snprintf(out + n, sizeof(out) - (size_t)n, "%s\"%s\":%llu",
				      n > 1 ? "," : "", names_leaf[i], (unsigned long long)l->n[i]);
	out[n++] = '}';
	return arena_str(a, (struct str){ out, (size_t)n }, ret);
}

static int flags_text(struct arena *a, unsigned flags, struct str *ret)
{
	char out[NAMES_FLAGS];
	struct str text = names_flags_text(flags, out);

	return text.n ? arena_str(a, text, ret) : 0;
}

static int fits(const struct leaves *l)
{
	for (int i = 0; i < LEAF_COUNT; i++)
		if (leaf_has(l, i) && l->n[i] > INT64_MAX)
			return -ERANGE;
	return 0;
}

/* Our own arithmetic, seen once more before it becomes money. */
static int check(const struct posting *p, const struct charge *g, const struct usage *u)
{
	int64_t sum = 0;

	if (p->team.n == 0 || g->count > LEAF_COUNT || u->kind >= KIND_COUNT ||
	    u->outcome >= OUTCOME_COUNT || u->source >= SOURCE_COUNT ||
	    u->billing >= BILLING_COUNT || g->billing >= BILLING_COUNT || u->why >= WHY_COUNT ||
	    g->why >= WHY_COUNT || u->later > LATER_RESULT || g->list_pico < 0 ||
	    g->shadow_pico < 0)
		return -EINVAL;
	for (size_t i = 0; i < g->count; i++) {
		const struct charge_line *l = &g->line[i];

		if (l->leaf >= LEAF_COUNT || l->pico < 0 || l->rate.pico < 0 || l->rate.per == 0)
			return -EINVAL;
		if (l->quantity > INT64_MAX || l->rate.per > INT64_MAX ||
		    __builtin_add_overflow(sum, l->pico, &sum))
			return -ERANGE;
	}
	if (sum != g->pico ||
	    (g->pico && (u->kind != KIND_INFERENCE || g->billing == BILLING_UNPRICED)))
		return -EINVAL;
	if (u->start_ns > INT64_MAX || u->first_ns > INT64_MAX || u->end_ns > INT64_MAX)
		return -ERANGE;
	return fits(&u->used) || fits(&u->low) || fits(&u->high) ? -ERANGE : 0;
}

static int fill(struct call *c)
{
	struct usage *u = &c->usage;
	int r = own(&c->arena, &c->posting, posting_fields, COUNT_OF(posting_fields));

	if (r == 0)
		r = own(&c->arena, &c->charge, charge_fields, COUNT_OF(charge_fields));
	if (r == 0)
		r = own(&c->arena, u, usage_fields, COUNT_OF(usage_fields));
	if (r == 0)
		r = leaves_text(&c->arena, &u->used, &c->used);
	if (r == 0 && u->source != SOURCE_REPORTED && (u->low.has || u->high.has)) {
		r = leaves_text(&c->arena, &u->low, &c->low);
		if (r == 0)
			r = leaves_text(&c->arena, &u->high, &c->high);
	}
	if (r == 0)
		r = flags_text(&c->arena, c->charge.flags, &c->flags);
	if (r == 0)
		r = flags_text(&c->arena, u->flags, &c->told_flags);
	if (!u->provider.p)
		u->provider = S("unknown");
	return r;
}

int call_new(const struct posting *in, const unsigned char *epoch, struct call **ret)
{
	_cleanup_(call_free) struct call *c = NULL;
	int r = check(in, in->charge, in->charge->usage);

	if (r < 0)
		return r;
	c = obj_new(c, CALL_MAGIC);
	if (!c)
		return -ENOMEM;
	c->arena.limit = LIMIT_RECORD_BYTES;
	c->usage = *in->charge->usage;
	c->charge = *in->charge;
	c->charge.usage = &c->usage;
	c->posting = *in;
	c->posting.charge = &c->charge;
	c->plain = c->usage.from.row == ROW_PLAIN;
	c->has_epoch = epoch != NULL;
	if (epoch)
		memcpy(c->epoch, epoch, sizeof(c->epoch));
	r = fill(c);
	if (r < 0)
		return r;
	content_of(c);
	*ret = take(c);
	return 0;
}

void call_free(struct call **cp)
{
	struct call *c = obj_take(cp, CALL_MAGIC);

	if (!c)
		return;
	arena_reset(&c->arena);
	mem_free(c);
}
