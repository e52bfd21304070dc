#include "base/limit.h"
#include "desk/api_call.h"

int api_health(struct api_call *c)
{
	return buf_add(&c->r->body, S("{\"ok\": true}"));
}

int api_ready(struct api_call *c)
{
	const char *missing = c->ops->missing(c->ops->ctx);
	struct jsonw w;

	if (missing)
		return api_fail(c, -EAGAIN, "%s", missing);
	jsonw_init(&w, &c->r->body);
	jsonw_open(&w, '{');
	jsonw_key(&w, "ready");
	jsonw_bool(&w, true);
	jsonw_close(&w, '}');
	return jsonw_done(&w);
}

int api_version(struct api_call *c)
{
	struct jsonw w;

	jsonw_init(&w, &c->r->body);
	jsonw_open(&w, '{');
	jsonw_key_str(&w, "version", str_of(SUBMETER_VERSION));
	jsonw_key(&w, "routes");
	jsonw_open(&w, '[');
	for (size_t i = 0; i < api_route_count; i++) {
		jsonw_open(&w, '{');
		jsonw_key_str(&w, "method", str_of(api_routes[i].method));
		jsonw_key_str(&w, "path", str_of(api_routes[i].path));
		jsonw_key_str(&w, "help", str_of(api_routes[i].help));
		jsonw_close(&w, '}');
	}
	jsonw_close(&w, ']');
	jsonw_close(&w, '}');
	return jsonw_done(&w);
}

static int mark_parse(struct str text, uint64_t ret[2])
{
	struct str head;

	if (!str_cut(&text, &head, ':') || str_u64(head, &ret[0]) < 0)
		return -EINVAL;
	return str_u64(text, &ret[1]);
}

static int state_mark(struct api_call *c)
{
	uint64_t mark[2];
	int r = c->ops->mark(c->ops->ctx, mark);

	if (r < 0)
		return r;
	return buf_printf(&c->r->body, "{\"mark\": \"%llu:%llu\"}", (unsigned long long)mark[0],
			  (unsigned long long)mark[1]);
}

static int state_idle(struct api_call *c, struct str text)
{
	uint64_t mark[2], open = 0;
	int r;

	if (mark_parse(text, mark) < 0)
		return api_fail(c, -EINVAL, "idle: use the mark that ?mark=1 gave");
	r = c->ops->idle(c->ops->ctx, mark, &open);
	if (r < 0 && r != -EAGAIN)
		return r;
	return buf_printf(&c->r->body, "{\"idle\": %s, \"open_calls\": %llu}",
			  r == 0 ? "true" : "false", (unsigned long long)open);
}

/* The ledger's part of an answer that is also given without one. */
static int add_gaps(struct api_call *c, struct jsonw *w)
{
	struct buf gaps = { .limit = LIMIT_API_ANSWER };
	int r = api_db(c);

	if (r == 0)
		r = query_gap_list(c->db, 0, 0, &gaps, c->error);
	api_db_done(c, r);
	jsonw_key(w, "ledger_readable");
	jsonw_bool(w, r == 0);
	if (r == 0) {
		jsonw_key(w, "gaps");
		jsonw_raw(w, buf_str(&gaps));
	}
	buf_done(&gaps);
	return r == -ENOMEM ? r : 0;
}

int api_status(struct api_call *c)
{
	const char *missing = c->ops->missing(c->ops->ctx);
	struct str idle = api_param(c, "idle");
	struct jsonw w;
	int r;

	if (api_param_true(c, "mark"))
		return state_mark(c);
	if (idle.p)
		return state_idle(c, idle);
	jsonw_init(&w, &c->r->body);
	jsonw_open(&w, '{');
	jsonw_key(&w, "ready");
	jsonw_bool(&w, !missing);
	jsonw_key_str(&w, "missing", str_of(missing));
	jsonw_key_str(&w, "version", str_of(SUBMETER_VERSION));
	c->ops->status(c->ops->ctx, &w);
	r = add_gaps(c, &w);
	jsonw_close(&w, '}');
	return r < 0 ? r : jsonw_done(&w);
}

int api_coverage(struct api_call *c)
{
	struct jsonw w;
	int r;

	jsonw_init(&w, &c->r->body);
	jsonw_open(&w, '{');
	c->ops->coverage(c->ops->ctx, &w);
	r = add_gaps(c, &w);
	jsonw_close(&w, '}');
	return r < 0 ? r : jsonw_done(&w);
}

static int state_probes(struct api_call *c, bool on)
{
	c->ops->probes(c->ops->ctx, on);
	return buf_printf(&c->r->body, "{\"asked\": \"%s\"}", on ? "attach" : "detach");
}

int api_detach(struct api_call *c)
{
	return state_probes(c, false);
}

int api_attach(struct api_call *c)
{
	return state_probes(c, true);
}
