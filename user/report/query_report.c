#include "base/limit.h"
#include "report/query_db.h"

#define KEYS 12

/* What rows can be grouped by, and where it stands in `call`. */
static const struct key {
	const char *name, *sql;
} keys[] = {
	{ "team", "team" },
	{ "cgroup", "cgroup" },
	{ "model", "coalesce(model_served, model_requested)" },
	{ "provider", "provider" },
	{ "kind", "kind" },
	{ "host", "host" },
	{ "project", "project" },
	{ "department", "department" },
	{ "cost_center", "cost_center" },
	{ "environment", "environment" },
	{ "unit", "unit" },
	{ "day", "strftime('%Y-%m-%d', ts_start / 1000000000, 'unixepoch')" },
};

struct keyed { /* the keys of one report, in the order asked */
	size_t count;
	const struct key *key[KEYS];
	bool kind, day;
};

enum { /* columns behind the keys */
       SUM_REQUESTS,
       SUM_INPUT,
       SUM_OUTPUT,
       SUM_COST,
       SUM_ESTIMATED,
       SUM_UNPRICED,
       SUM_EQUIVALENT,
       SUM_NO_EQUIVALENT,
       SUM_SHADOW,
       SUM_COUNT
};

/* Money is what teams pay: the list price of a subscription's call is shown with the call, not summed. */
#define PAID "billing IN ('metered', 'free')"
static const char sums[] =
	"count(*), "
	"sum_pico(tokens(usage, 'in_')), "
	"sum_pico(tokens(usage, 'out_')), "
	"sum_pico(CASE WHEN " PAID " THEN cost_pico END) AS cost, "
	"sum_pico(CASE WHEN " PAID " AND source <> 'reported' THEN cost_pico END), "
	"count(CASE WHEN billing = 'unpriced' AND kind = 'inference' THEN 1 END), "
	"sum_pico(CASE WHEN billing = 'subscription' THEN cost_pico END), "
	"count(CASE WHEN billing = 'subscription' AND cost_pico IS NULL THEN 1 END), "
	"sum_pico(shadow_pico) "
	"FROM call_paid";

static const struct key *key_named(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (str_eq(name, str_of(keys[i].name)))
			return &keys[i];
	return NULL;
}

static int keys_parse(struct str text, struct keyed *ret, char error[QUERY_ERROR])
{
	struct keyed k = { 0 };

	while (text.n) {
		struct str name = text;

		if (!str_cut(&text, &name, ','))
			text = STR_NONE;
		name = str_trim(name);
		if (k.count == KEYS)
			return query_refuse(error, "aggregate: at most %d keys", KEYS);
		k.key[k.count] = key_named(name);
		if (!k.key[k.count])
			return query_refuse(
				error,
				"aggregate: no key '" STR_FMT
				"'; there are team, cgroup, model, provider, kind, host, "
				"project, department, cost_center, environment, unit, day",
				STR_ARG(str_head(name, 32)));
		for (size_t i = 0; i < k.count; i++)
			if (k.key[i] == k.key[k.count])
				return query_refuse(error, "aggregate: '%s' twice", k.key[i]->name);
		k.kind |= str_eq(name, S("kind"));
		k.day |= str_eq(name, S("day"));
		k.count++;
	}
	*ret = k;
	return 0;
}

static int add_keys(const struct keyed *k, const char *before, struct buf *sql)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < k->count; i++)
		r = buf_printf(sql, "%s%s", i ? ", " : before, k->key[i]->sql);
	return r;
}

/* Costs are decimal integers without a sign: the longer one is the larger one. */
static int add_order(const struct keyed *k, struct buf *sql)
{
	int r = add_keys(k, " GROUP BY ", sql);

	if (r == 0)
		r = buf_add(sql, k->day ? S(" ORDER BY ")
					: S(" ORDER BY length(cost) DESC, cost DESC, "));
	if (r == 0)
		r = add_keys(k, "", sql);
	return r == 0 ? buf_printf(sql, " LIMIT %d", LIMIT_API_ROWS + 1) : r;
}

static int prepare(struct query *q, const struct query_filter *f, const struct keyed *k,
		   sqlite3_stmt **ret)
{
	_cleanup_(buf_done) struct buf sql = { .limit = QUERY_SQL };
	int r = add_keys(k, "SELECT ", &sql);

	if (r == 0)
		r = buf_printf(&sql, "%s%s", k->count ? ", " : "SELECT ", sums);
	if (r == 0)
		r = query_where(f, &sql);
	if (r == 0 && !k->kind && !f->kind.p)
		r = buf_add(&sql, S(" AND kind = 'inference'"));
	if (r == 0 && k->count)
		r = add_order(k, &sql);
	if (r == 0)
		r = query_prepare(q, buf_str(&sql), ret);
	return r == 0 ? query_bind(*ret, f) : r;
}

static int write_sums(struct jsonw *w, sqlite3_stmt *s, int first)
{
	__int128 cost, estimated, equivalent, shadow;
	int r = query_sum(s, first + SUM_COST, &cost);

	if (r == 0)
		r = query_sum(s, first + SUM_ESTIMATED, &estimated);
	if (r == 0)
		r = query_sum(s, first + SUM_EQUIVALENT, &equivalent);
	if (r == 0)
		r = query_sum(s, first + SUM_SHADOW, &shadow);
	if (r < 0)
		return r;
	jsonw_key_u64(w, "requests", query_u64(s, first + SUM_REQUESTS));
	r = query_write_count(w, "input_tokens", s, first + SUM_INPUT);
	if (r == 0)
		r = query_write_count(w, "output_tokens", s, first + SUM_OUTPUT);
	query_key_usd(w, "cost_usd", cost);
	query_key_usd(w, "reserved_usd", 0);
	query_key_usd(w, "estimated_usd", estimated);
	jsonw_key_u64(w, "unpriced_requests", query_u64(s, first + SUM_UNPRICED));
	/* these are in no sum of money */
	query_key_usd(w, "equivalent_usd", equivalent);
	jsonw_key_u64(w, "no_equivalent_requests", query_u64(s, first + SUM_NO_EQUIVALENT));
	query_key_usd(w, "shadow_usd", shadow);
	return r;
}

static int write_rows(struct query *q, const struct query_filter *f, const struct keyed *k,
		      struct jsonw *w)
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	size_t rows = 0;
	int r = prepare(q, f, k, &s);

	jsonw_key(w, "rows");
	jsonw_open(w, '[');
	while (r == 0 && (r = query_step(q, s)) > 0 && ++rows <= LIMIT_API_ROWS) {
		jsonw_open(w, '{');
		for (size_t i = 0; i < k->count; i++)
			jsonw_key_str(w, k->key[i]->name, query_text(s, (int)i));
		r = write_sums(w, s, (int)k->count);
		jsonw_close(w, '}');
	}
	jsonw_close(w, ']');
	if (r >= 0 && rows > LIMIT_API_ROWS) {
		jsonw_key(w, "truncated");
		jsonw_bool(w, true);
	}
	return MIN(r, 0);
}

static int write_total(struct query *q, const struct query_filter *f, const struct keyed *k,
		       struct jsonw *w)
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	/* the same calls, without keys */
	struct keyed none = { .kind = k->kind };
	int r = prepare(q, f, &none, &s);

	if (r == 0)
		r = query_step(q, s);
	if (r <= 0)
		return r;
	jsonw_key(w, "total");
	jsonw_open(w, '{');
	r = write_sums(w, s, 0);
	jsonw_close(w, '}');
	return r;
}

static int write_report(struct query *q, const struct query_filter *f, const struct keyed *k,
			struct buf *out, char error[QUERY_ERROR])
{
	_cleanup_(buf_done) struct buf gaps = { .limit = LIMIT_API_ANSWER };
	struct jsonw w;
	int r;

	jsonw_init(&w, out);
	jsonw_open(&w, '{');
	jsonw_key(&w, "window");
	jsonw_open(&w, '{');
	query_key_time(&w, "since", f->since_ns);
	query_key_time(&w, "until", f->until_ns);
	jsonw_close(&w, '}');
	r = write_rows(q, f, k, &w);
	if (r == 0)
		r = write_total(q, f, k, &w);
	jsonw_key(&w, "unpriced");
	if (r == 0)
		r = query_unpriced_list(q, f, &w);
	else
		jsonw_raw(&w, S("[]"));
	if (r == 0)
		r = query_gap_list(q, f->since_ns, f->until_ns, &gaps, error);
	jsonw_key(&w, "gaps");
	jsonw_raw(&w, buf_str(&gaps));
	jsonw_close(&w, '}');
	return r < 0 ? r : jsonw_done(&w);
}

int query_report(struct query *q, const struct query_filter *f, struct str group, struct buf *out,
		 char error[QUERY_ERROR])
{
	struct keyed k;
	int r = keys_parse(group, &k, error);

	if (r < 0)
		return r;
	r = query_begin(q);
	if (r == 0)
		r = write_report(q, f, &k, out, error);
	query_said(q, r, error);
	query_end(q);
	return r;
}

/* ---- gaps ---- */

int query_gap_list(struct query *q, uint64_t since_ns, uint64_t until_ns, struct buf *out,
		   char error[QUERY_ERROR])
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	struct jsonw w;
	int r = query_prepare(
		q,
		S("SELECT from_ns, until_ns, reason FROM gap "
		  "WHERE (until_ns IS NULL OR until_ns > ?1) AND (?2 = 0 OR from_ns < ?2) "
		  "ORDER BY from_ns, seq"),
		&s);

	if (r < 0)
		return query_said(q, r, error);
	if (sqlite3_bind_int64(s, 1, (sqlite3_int64)since_ns) != SQLITE_OK ||
	    sqlite3_bind_int64(s, 2, (sqlite3_int64)until_ns) != SQLITE_OK)
		return -ENOMEM;
	jsonw_init(&w, out);
	jsonw_open(&w, '[');
	while ((r = query_step(q, s)) > 0) {
		jsonw_open(&w, '{');
		query_key_time(&w, "from", query_u64(s, 0));
		query_key_time(&w, "until", query_u64(s, 1));
		jsonw_key_str(&w, "reason", query_text(s, 2));
		jsonw_close(&w, '}');
	}
	jsonw_close(&w, ']');
	return r < 0 ? query_said(q, r, error) : jsonw_done(&w);
}

int query_gaps(struct query *q, uint64_t since_ns, uint64_t until_ns, struct buf *out,
	       char error[QUERY_ERROR])
{
	int r = buf_add(out, S("{\"gaps\": "));

	if (r == 0)
		r = query_gap_list(q, since_ns, until_ns, out, error);
	return r == 0 ? buf_put(out, '}') : r;
}
