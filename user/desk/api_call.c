#include <stdarg.h>
#include <stdio.h>
#include "base/clock.h"
#include "desk/api_call.h"

int api_fail(struct api_call *c, int r, const char *format, ...)
{
	va_list va;

	va_start(va, format);
	vsnprintf(c->error, sizeof(c->error), format, va);
	va_end(va);
	return r;
}

/* ---- the ledger ---- */

int api_db(struct api_call *c)
{
	struct api *a = c->a;

	pthread_mutex_lock(&a->lock);
	if (a->idle_count)
		c->db = a->idle[--a->idle_count];
	pthread_mutex_unlock(&a->lock);
	return c->db ? 0 : query_open(a->ledger, &c->db, c->error);
}

void api_db_done(struct api_call *c, int r)
{
	struct api *a = c->a;

	/* A connection that could not read may never: the file may have been made anew. */
	if (c->db && r != -EAGAIN) {
		pthread_mutex_lock(&a->lock);
		if (a->idle_count < API_READERS)
			a->idle[a->idle_count++] = take(c->db);
		pthread_mutex_unlock(&a->lock);
	}
	query_close(&c->db);
}

/* ---- parameters ---- */

struct str api_param(const struct api_call *c, const char *name)
{
	const char *v = c->q->param ? c->q->param(c->q->ctx, name) : NULL;

	return v && *v ? str_of(v) : STR_NONE;
}

int api_param_time(struct api_call *c, const char *name, uint64_t *ret)
{
	struct str v = api_param(c, name);

	if (!v.p || query_time(v, clock_utc_ns(), ret) == 0)
		return 0;
	return api_fail(c, -EINVAL,
			"%s: not a time: use RFC 3339, a date, unix seconds, or 30m, 12h, 7d",
			name);
}

int api_param_count(struct api_call *c, const char *name, uint64_t *ret)
{
	struct str v = api_param(c, name);

	if (!v.p || str_u64(v, ret) == 0)
		return 0;
	return api_fail(c, -EINVAL, "%s: not a whole number", name);
}

bool api_param_true(const struct api_call *c, const char *name)
{
	struct str v = api_param(c, name);

	return v.p && (str_eq(v, S("1")) || str_ieq(v, S("true")));
}
