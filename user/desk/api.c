#include "base/limit.h"
#include "base/obj.h"
#include "desk/api_call.h"

const struct api_route api_routes[] = {
#define ROUTE(method, path, fn, help) { #method, path, fn, help },
#include "tbl/route.h"
#undef ROUTE
};
const size_t api_route_count = COUNT_OF(api_routes);

/* ---- errors ---- */

static const struct failure {
	int r;
	unsigned status;
	const char *code, *words;
} failures[] = {
	{ -EINVAL, 400, "bad_request", "the request cannot be understood" },
	{ -EBADMSG, 400, "bad_request", "the body is not the JSON that this path takes" },
	{ -ENOENT, 404, "not_found", "there is no such thing" },
	{ -EOPNOTSUPP, 405, "method_not_allowed", "this path does not take that method" },
	{ -EEXIST, 409, "conflict", "that key was used for something else" },
	{ -ENOTUNIQ, 409, "ambiguous", "several calls begin with this id" },
	{ -E2BIG, 413, "too_large", "the body is too large" },
	{ -EMSGSIZE, 413, "answer_too_large",
	  "the answer would be too large: narrow it or set a limit" },
	{ -EAGAIN, 503, "unavailable", "the ledger cannot be read now; try again" },
	{ -ETIME, 503, "too_slow", "reading took longer than 30 s: narrow the window" },
	{ -ETIMEDOUT, 503, "unavailable", "the meter did not answer within 5 s" },
};

static int answer_error(struct api_call *c, int error)
{
	struct failure f = { error, 500, "internal", "something went wrong in submeter" };
	struct jsonw w;

	for (size_t i = 0; i < COUNT_OF(failures); i++)
		if (failures[i].r == error)
			f = failures[i];
	buf_reset(&c->r->body);
	c->r->status = f.status;
	c->r->type = "application/json";
	c->r->next = 0;
	jsonw_init(&w, &c->r->body);
	jsonw_open(&w, '{');
	jsonw_key(&w, "error");
	jsonw_open(&w, '{');
	jsonw_key_str(&w, "message", str_of(c->error[0] ? c->error : f.words));
	jsonw_key_str(&w, "code", str_of(f.code));
	jsonw_close(&w, '}');
	jsonw_close(&w, '}');
	return jsonw_done(&w);
}

/* ---- dispatch ---- */

static bool path_fits(const char *pattern, struct str path, struct str *ret_id)
{
	const char *hole = strstr(pattern, "{id}");
	struct str head, tail;

	if (!hole)
		return str_eq(path, str_of(pattern));
	head = (struct str){ pattern, (size_t)(hole - pattern) };
	tail = str_of(hole + strlen("{id}"));
	if (!str_starts(path, head) || path.n <= head.n + tail.n || !str_ends(path, tail))
		return false;
	path = (struct str){ path.p + head.n, path.n - head.n - tail.n };
	if (memchr(path.p, '/', path.n))
		return false;
	*ret_id = path;
	return true;
}

static int dispatch(struct api_call *c, struct api_request *q)
{
	bool known = false;

	for (size_t i = 0; i < api_route_count; i++) {
		if (!path_fits(api_routes[i].path, q->path, &q->id))
			continue;
		known = true;
		if (str_eq(q->method, str_of(api_routes[i].method)))
			return api_routes[i].fn(c);
	}
	return known ? -EOPNOTSUPP
		     : api_fail(c, -ENOENT, "there is no such path; GET /v1/version lists them");
}

int api_answer(struct api *a, const struct api_request *q, struct api_reply *ret)
{
	struct api_request own = *q;
	struct api_call c = { .a = a, .ops = &a->ops, .q = &own, .r = ret };
	int r;

	obj_check(a, API_MAGIC);
	*ret = (struct api_reply){ .status = 200,
				   .type = "application/json",
				   .body.limit = LIMIT_API_ANSWER };
	r = dispatch(&c, &own);
	api_db_done(&c, r);
	if (r < 0)
		r = answer_error(&c, r);
	if (r < 0)
		buf_done(&ret->body);
	return r;
}

int api_new(const char *ledger, const struct api_ops *ops, struct api **ret)
{
	_cleanup_(api_free) struct api *a = obj_new(a, API_MAGIC);

	if (!a)
		return -ENOMEM;
	pthread_mutex_init(&a->lock, NULL);
	a->ops = *ops;
	a->ledger = mem_text(ledger, strlen(ledger));
	if (!a->ledger)
		return -ENOMEM;
	*ret = take(a);
	return 0;
}

void api_free(struct api **aa)
{
	struct api *a = obj_take(aa, API_MAGIC);

	if (!a)
		return;
	while (a->idle_count)
		query_close(&a->idle[--a->idle_count]);
	pthread_mutex_destroy(&a->lock);
	mem_free(a->ledger);
	mem_free(a);
}
