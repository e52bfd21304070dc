#include "base/clock.h"
#include "base/jsonw.h"
#include "base/names.h"
#include "report/record.h"

enum { HEX_ID = 2 * CALL_ID };

static void text_key(struct jsonw *w, const char *key, const char *text)
{
	jsonw_key_str(w, key, str_of(text));
}

static void time_key(struct jsonw *w, const char *key, uint64_t ns)
{
	char text[CLOCK_TEXT];

	if (ns)
		jsonw_key_str(w, key, clock_text(ns, text));
}

static void money_key(struct jsonw *w, const char *key, int64_t pico)
{
	char text[DEC_TEXT];

	jsonw_key_str(w, key, dec_text(pico, text));
}

static void id_key(struct jsonw *w, const unsigned char *id)
{
	static const char digits[] = "0123456789abcdef";
	char text[HEX_ID];

	for (size_t i = 0; i < CALL_ID; i++) {
		text[2 * i] = digits[id[i] >> 4];
		text[2 * i + 1] = digits[id[i] & 15];
	}
	jsonw_key_str(w, "id", (struct str){ text, sizeof(text) });
}

static void why_key(struct jsonw *w, enum why why)
{
	char text[NAMES_TEXT];

	jsonw_key_str(w, "why", names_why_text(why, text));
}

static void leaves_key(struct jsonw *w, const char *key, const struct leaves *l)
{
	if (!l->has)
		return;
	jsonw_key(w, key);
	jsonw_open(w, '{');
	for (int i = 0; i < LEAF_COUNT; i++)
		if (leaf_has(l, i))
			jsonw_key_u64(w, names_leaf[i], l->n[i]);
	jsonw_close(w, '}');
}

/* A process is known for live traffic only. */
static void process(struct jsonw *w, const struct posting *p, const struct origin *from)
{
	size_t comm = strnlen(from->comm, sizeof(from->comm));

	jsonw_key_str(w, "cgroup", p->cgroup);
	if (from->cgroup)
		jsonw_key_u64(w, "cgroup_id", from->cgroup);
	jsonw_key_str(w, "unit", p->unit);
	jsonw_key_str(w, "container_id", p->container);
	jsonw_key_str(w, "pod", p->pod);
	jsonw_key_str(w, "namespace", p->namespace_);
	if (from->tgid) {
		jsonw_key_u64(w, "pid", from->tgid);
		jsonw_key_str(w, "exe", p->exe);
		jsonw_key_str(w, "comm", (struct str){ from->comm, comm });
		jsonw_key_u64(w, "uid", from->uid);
	}
}

static void owner(struct jsonw *w, const struct posting *p)
{
	jsonw_key_str(w, "team", p->team);
	jsonw_key_str(w, "project", p->project);
	jsonw_key_str(w, "department", p->department);
	jsonw_key_str(w, "cost_center", p->cost_center);
	jsonw_key_str(w, "environment", p->environment);
	jsonw_key_str(w, "rule", p->rule);
	jsonw_key_str(w, "map_revision", p->map_revision);
}

static void later_key(struct jsonw *w, enum later later)
{
	if (later != LATER_NOT)
		text_key(w, "later", later == LATER_FETCHED ? "fetched" : "result");
}

static void exchange(struct jsonw *w, const struct usage *u)
{
	jsonw_key_str(w, "provider", u->provider);
	jsonw_key_str(w, "server_address", u->host);
	jsonw_key_str(w, "operation", u->operation);
	jsonw_key_str(w, "model_requested", u->model_requested);
	jsonw_key_str(w, "model_served", u->model_served);
	jsonw_key_str(w, "response_id", u->response_id);
	jsonw_key_str(w, "request_id", u->request_id);
	jsonw_key_str(w, "service_tier", u->tier);
	jsonw_key_str(w, "region", u->region);
	if (u->status >= 0) {
		jsonw_key(w, "stream");
		jsonw_bool(w, u->stream);
		jsonw_key_u64(w, "http_status", (uint64_t)u->status);
	}
	if (u->retry >= 0)
		jsonw_key_u64(w, "retry_count", (uint64_t)u->retry);
	text_key(w, "outcome", names_outcome[u->outcome]);
	later_key(w, u->later);
}

static void consumption(struct jsonw *w, const struct usage *u)
{
	leaves_key(w, "usage", &u->used);
	if (u->raw.n) {
		jsonw_key(w, "raw_usage");
		jsonw_raw(w, u->raw);
	}
	text_key(w, "usage_source", names_source[u->source]);
	if (u->source == SOURCE_PARTIAL || u->source == SOURCE_ESTIMATED) {
		leaves_key(w, "usage_low", &u->low);
		leaves_key(w, "usage_high", &u->high);
	}
}

static void lines(struct jsonw *w, const struct charge *c)
{
	jsonw_key(w, "lines");
	jsonw_open(w, '[');
	for (size_t i = 0; i < c->count; i++) {
		const struct charge_line *l = &c->line[i];

		jsonw_open(w, '{');
		text_key(w, "leaf", names_leaf[l->leaf]);
		jsonw_key_u64(w, "quantity", l->quantity);
		money_key(w, "rate", l->rate.pico);
		jsonw_key_u64(w, "per", l->rate.per);
		money_key(w, "amount_usd", l->pico);
		jsonw_close(w, '}');
	}
	jsonw_close(w, ']');
}

static void flags_key(struct jsonw *w, unsigned flags)
{
	if (!flags)
		return;
	jsonw_key(w, "flags");
	jsonw_open(w, '[');
	for (unsigned i = 0; i < FLAG_COUNT; i++)
		if (flags >> i & 1)
			jsonw_str(w, str_of(names_flag[i]));
	jsonw_close(w, ']');
}

/* What the provider says it costs, and how much more that is than what we say. */
static void reported(struct jsonw *w, const struct charge *c)
{
	bool ours = c->billing == BILLING_METERED || c->billing == BILLING_FREE;
	char text[DEC_TEXT];
	int64_t said;

	jsonw_key_str(w, "reported_cost_usd", c->usage->reported_cost);
	if (ours && c->usage->reported_cost.n && dec_pico(c->usage->reported_cost, &said) == 0)
		jsonw_key_str(w, "reported_difference_usd",
			      dec_text((__int128)said - c->pico, text));
}

static void price(struct jsonw *w, const struct charge *c)
{
	text_key(w, "billing", names_billing[c->billing]);
	if (c->entry.n) {
		jsonw_key(w, "price");
		jsonw_open(w, '{');
		jsonw_key_str(w, "book", c->book);
		jsonw_key_str(w, "entry", c->entry);
		jsonw_key_str(w, "match", c->match);
		jsonw_key_str(w, "tier", c->tier);
		jsonw_key_str(w, "band", c->band);
		jsonw_key_str(w, "region", c->region);
		jsonw_close(w, '}');
	}
	jsonw_key_str(w, "contract", c->contract);
	flags_key(w, c->flags);
	if (c->billing == BILLING_METERED || c->billing == BILLING_FREE) {
		lines(w, c);
		money_key(w, "cost_usd", c->pico);
	} else if (c->billing == BILLING_SUBSCRIPTION && c->entry.n) {
		/* a plan pays it, and nobody knows which part of that it is: no cost, but what it would have been */
		lines(w, c);
		money_key(w, "equivalent_cost_usd", c->pico);
	}
	if (c->contract.n)
		money_key(w, "list_cost_usd", c->list_pico);
	if (c->billing == BILLING_UNPRICED && c->shadow_pico)
		money_key(w, "shadow_cost_usd", c->shadow_pico);
	reported(w, c);
}

int record_json(const struct posting *p, struct buf *out)
{
	const struct charge *c = p->charge;
	const struct usage *u = c->usage;
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_open(&w, '{');
	id_key(&w, p->id);
	jsonw_key_str(&w, "source_id", p->source_id);
	text_key(&w, "kind", names_kind[u->kind]);
	jsonw_key_str(&w, "host", p->host);
	jsonw_key_str(&w, "boot_id", p->boot_id);
	time_key(&w, "ts_start", u->start_ns);
	time_key(&w, "ts_first_token", u->first_ns);
	time_key(&w, "ts_end", u->end_ns);
	process(&w, p, &u->from);
	jsonw_key_str(&w, "session", u->session);
	owner(&w, p);
	exchange(&w, u);
	consumption(&w, u);
	why_key(&w, c->why);
	price(&w, c);
	jsonw_key_str(&w, "credential", u->credential);
	jsonw_close(&w, '}');
	return jsonw_done(&w);
}
