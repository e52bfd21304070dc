#include "base/limit.h"
#include "report/query_db.h"

/* One row a condition: the test on `call`, and where its value is in a filter. */
enum { AS_TIME, AS_TEXT, AS_SUBTREE };

static const struct condition {
	const char *name; /* of the parameter */
	const char *sql;
	int as;
	size_t at;
} conditions[] = {
#define AT(member) offsetof(struct query_filter, member)
	{ ":since", "ts_start >= :since", AS_TIME, AT(since_ns) },
	{ ":until", "ts_start < :until", AS_TIME, AT(until_ns) },
	{ ":team", "team = :team", AS_TEXT, AT(team) },
	/* '0' is the character after '/': everything that begins with "path/" */
	{ ":cgroup", "(cgroup = :cgroup OR (cgroup >= :cgroup || '/' AND cgroup < :cgroup || '0'))",
	  AS_SUBTREE, AT(cgroup) },
	{ ":model", "(model_served = :model OR model_requested = :model)", AS_TEXT, AT(model) },
	{ ":provider", "provider = :provider", AS_TEXT, AT(provider) },
	{ ":kind", "kind = :kind", AS_TEXT, AT(kind) },
#undef AT
};

static const void *value_of(const struct query_filter *f, const struct condition *c)
{
	return (const char *)f + c->at;
}

static bool present(const struct query_filter *f, const struct condition *c)
{
	return c->as == AS_TIME ? *(const uint64_t *)value_of(f, c) != 0
				: ((const struct str *)value_of(f, c))->p != NULL;
}

int query_where(const struct query_filter *f, struct buf *sql)
{
	int r = buf_add(sql, S(" WHERE 1"));

	for (size_t i = 0; r == 0 && i < COUNT_OF(conditions); i++)
		if (present(f, &conditions[i]))
			r = buf_printf(sql, " AND %s", conditions[i].sql);
	if (r == 0 && f->after_seq)
		r = buf_add(sql, f->newest ? S(" AND seq < :after") : S(" AND seq > :after"));
	return r;
}

static int bind_text(sqlite3_stmt *s, int at, struct str v, int as)
{
	/* "/a/" is "/a"; "/" is "", below which everything is */
	while (as == AS_SUBTREE && v.n && v.p[v.n - 1] == '/')
		v.n--;
	return sqlite3_bind_text(s, at, v.n ? v.p : "", (int)v.n, SQLITE_STATIC);
}

int query_bind(sqlite3_stmt *s, const struct query_filter *f)
{
	int code = SQLITE_OK, at;

	for (size_t i = 0; code == SQLITE_OK && i < COUNT_OF(conditions); i++) {
		const struct condition *c = &conditions[i];

		if (!present(f, c))
			continue;
		at = sqlite3_bind_parameter_index(s, c->name);
		assert(at > 0);
		code = c->as == AS_TIME
			       ? sqlite3_bind_int64(s, at, *(const sqlite3_int64 *)value_of(f, c))
			       : bind_text(s, at, *(const struct str *)value_of(f, c), c->as);
	}
	if (code == SQLITE_OK && f->after_seq)
		code = sqlite3_bind_int64(s, sqlite3_bind_parameter_index(s, ":after"),
					  (sqlite3_int64)f->after_seq);
	return code == SQLITE_OK ? 0 : -ENOMEM;
}
