#include "base/limit.h"
#include "base/names.h"
#include "report/query_db.h"

/* What has no price, or none to compare a plan with, the most used first: the models that somebody has to look up. */
static int prepare(struct query *q, const struct query_filter *f, sqlite3_stmt **ret)
{
	_cleanup_(buf_done) struct buf sql = { .limit = QUERY_SQL };
	int r = buf_add(&sql,
			S("SELECT provider, coalesce(model_served, model_requested) AS model, "
			  "why, count(*) AS calls, sum_pico(tokens(usage, 'in_')), "
			  "sum_pico(tokens(usage, 'out_')), sum_pico(shadow_pico), billing "
			  "FROM call_paid"));

	if (r == 0)
		r = query_where(f, &sql);
	if (r == 0)
		r = buf_printf(&sql,
			       " AND billing IN ('unpriced', 'subscription') AND cost_pico IS NULL "
			       "AND kind = 'inference' GROUP BY provider, model, why, billing "
			       "ORDER BY calls DESC, provider, model, why, billing LIMIT %d",
			       LIMIT_API_UNPRICED);
	if (r == 0)
		r = query_prepare(q, buf_str(&sql), ret);
	return r == 0 ? query_bind(*ret, f) : r;
}

int query_unpriced_list(struct query *q, const struct query_filter *f, struct jsonw *w)
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	__int128 shadow;
	int r = prepare(q, f, &s);

	jsonw_open(w, '[');
	while (r == 0 && (r = query_step(q, s)) > 0) {
		jsonw_open(w, '{');
		jsonw_key_str(w, "provider", query_text(s, 0));
		jsonw_key_str(w, "model", query_text(s, 1));
		jsonw_key_str(w, "why", query_text(s, 2));
		if (str_eq(query_text(s, 7), S("subscription")))
			jsonw_key_str(w, "billing", query_text(s, 7));
		jsonw_key_u64(w, "requests", query_u64(s, 3));
		r = query_write_count(w, "input_tokens", s, 4);
		if (r == 0)
			r = query_write_count(w, "output_tokens", s, 5);
		if (r == 0)
			r = query_sum(s, 6, &shadow);
		if (r == 0 && shadow)
			query_key_usd(w, "shadow_usd", shadow);
		jsonw_close(w, '}');
	}
	jsonw_close(w, ']');
	return r;
}
