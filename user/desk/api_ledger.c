#include "base/clock.h"
#include "base/limit.h"
#include "desk/api_call.h"

static int filter(struct api_call *c, struct query_filter *ret)
{
	struct query_filter f = { .team = api_param(c, "team"),
				  .cgroup = api_param(c, "cgroup"),
				  .model = api_param(c, "model"),
				  .provider = api_param(c, "provider"),
				  .kind = api_param(c, "kind"),
				  .newest = api_param_true(c, "newest") };
	uint64_t limit = 0;
	int r = api_param_time(c, "since", &f.since_ns);

	if (r == 0)
		r = api_param_time(c, "until", &f.until_ns);
	if (r == 0)
		r = api_param_count(c, "limit", &limit);
	if (r == 0)
		r = api_param_count(c, "after", &f.after_seq);
	if (r < 0)
		return r;
	if (limit > LIMIT_API_ROWS)
		return api_fail(c, -EINVAL, "limit: at most %d", LIMIT_API_ROWS);
	f.limit = (size_t)limit;
	*ret = f;
	return 0;
}

int api_calls(struct api_call *c)
{
	struct query_filter f;
	int r = filter(c, &f);

	if (r == 0)
		r = api_db(c);
	if (r < 0)
		return r;
	if (!str_eq(api_param(c, "format"), S("jsonl")))
		return query_calls(c->db, &f, &c->r->body, c->error);
	c->r->type = "application/x-ndjson";
	return query_call_lines(c->db, &f, &c->r->body, &c->r->next, c->error);
}

int api_call(struct api_call *c)
{
	int r = api_db(c);

	return r < 0 ? r : query_call(c->db, c->q->id, &c->r->body, c->error);
}

int api_usage(struct api_call *c)
{
	struct str window = api_param(c, "window"), group = api_param(c, "aggregate");
	struct query_filter f;
	int r = filter(c, &f);

	if (r < 0)
		return r;
	if (window.p && (f.since_ns || f.until_ns))
		return api_fail(c, -EINVAL, "window: not together with since or until");
	if (!window.p && !f.since_ns && !f.until_ns)
		window = S("month");
	if (window.p && query_window(window, clock_utc_ns(), &f.since_ns, &f.until_ns) < 0)
		return api_fail(
			c, -EINVAL,
			"window: use today, yesterday, week, lastweek, month, lastmonth, all, 30m, "
			"12h, 7d or FROM,UNTIL");
	r = api_db(c);
	return r < 0 ? r
		     : query_report(c->db, &f, group.p ? group : S("team"), &c->r->body, c->error);
}

int api_wallets(struct api_call *c)
{
	int r = api_db(c);

	return r < 0 ? r : query_wallets(c->db, STR_NONE, &c->r->body, c->error);
}

int api_balance(struct api_call *c)
{
	struct str team = api_param(c, "team_id");
	int r;

	if (!team.p)
		return api_fail(c, -EINVAL, "team_id: which team?");
	r = api_db(c);
	return r < 0 ? r : query_wallet(c->db, team, &c->r->body, c->error);
}

int api_moves(struct api_call *c)
{
	struct query_filter f;
	int r = filter(c, &f);

	if (r == 0)
		r = api_db(c);
	return r < 0 ? r : query_transactions(c->db, c->q->id, f.limit, &c->r->body, c->error);
}
