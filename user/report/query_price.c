#include "base/limit.h"
#include "report/row.h"

static int prepare(struct query *q, const struct query_filter *f, bool all, sqlite3_stmt **ret)
{
	_cleanup_(buf_done) struct buf sql = { .limit = QUERY_SQL };
	int r = row_select(&sql);

	if (r == 0)
		r = query_where(f, &sql);
	if (r == 0)
		r = buf_printf(
			&sql,
			" AND kind = 'inference' AND joined_to IS NULL%s ORDER BY seq LIMIT %d",
			all ? ""
			    : " AND (billing = 'unpriced' OR "
			      "(billing = 'subscription' AND price_entry IS NULL))",
			LIMIT_REPRICE_ROWS);
	if (r == 0)
		r = query_prepare(q, buf_str(&sql), ret);
	return r == 0 ? query_bind(*ret, f) : r;
}

int query_each_priced(struct query *q, const struct query_filter *f, bool all, query_row_fn *fn,
		      void *ctx, bool *ret_more, char error[QUERY_ERROR])
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	_cleanup_(query_finish) sqlite3_stmt *lines = NULL;
	struct query_row row;
	size_t count = 0;
	int r = query_begin(q);

	if (r == 0)
		r = prepare(q, f, all, &s);
	if (r == 0)
		r = row_lines(q, &lines);
	while (r == 0 && (r = query_step(q, s)) > 0) {
		count++;
		r = row_read(q, s, lines, &row);
		if (r == 0)
			r = fn(ctx, &row);
	}
	*ret_more = r > 0 || count == LIMIT_REPRICE_ROWS;
	query_said(q, MIN(r, 0), error);
	query_end(q);
	return MIN(r, 0);
}
