#include "base/hash.h"
#include "base/limit.h"
#include "base/names.h"
#include "report/record.h"
#include "report/row.h"

/* The record, and behind it what only the ledger knows; the object is left open for more. */
static int write_open_record(const struct query_row *row, struct buf *out, struct jsonw *w)
{
	size_t begin = out->n;
	int r = record_json(&row->posting, out);

	if (r < 0)
		return r;
	assert(out->n && out->p[out->n - 1] == '}');
	/* raw_usage is as the provider wrote it: a line end in it, between two tokens, would end the record's line */
	for (size_t i = begin; i < out->n; i++)
		if (out->p[i] == '\n' || out->p[i] == '\r')
			out->p[i] = ' ';
	out->n--;
	jsonw_init(w, out);
	w->comma = true;
	query_key_hex(w, "repeat_of", row->repeat_of);
	query_key_hex(w, "retry_of", row->retry_of);
	query_key_hex(w, "joined_to", row->joined_to);
	jsonw_key_str(w, "paid_by", row->paid_by);
	if (row->revision) {
		jsonw_key(w, "revised");
		jsonw_open(w, '{');
		jsonw_key_u64(w, "times", row->revision);
		jsonw_key_str(w, "booked_billing", str_of(names_billing[row->booked_billing]));
		if (row->booked_billing == BILLING_METERED)
			query_key_usd(w, "booked_cost_usd", (int64_t)row->booked_pico);
		jsonw_close(w, '}');
	}
	return 0;
}

static int prepare_calls(struct query *q, const struct query_filter *f, sqlite3_stmt **ret)
{
	_cleanup_(buf_done) struct buf sql = { .limit = QUERY_SQL };
	size_t limit = f->limit ? MIN(f->limit, (size_t)LIMIT_API_ROWS) : LIMIT_API_ROWS;
	int r = row_select(&sql);

	if (r == 0)
		r = query_where(f, &sql);
	if (r == 0)
		r = buf_printf(&sql, " ORDER BY seq%s LIMIT %zu", f->newest ? " DESC" : "", limit);
	if (r == 0)
		r = query_prepare(q, buf_str(&sql), ret);
	return r == 0 ? query_bind(*ret, f) : r;
}

static int each_call(struct query *q, const struct query_filter *f, bool lines_of_text,
		     struct buf *out, uint64_t *ret_next)
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	_cleanup_(query_finish) sqlite3_stmt *lines = NULL;
	struct query_row row;
	struct jsonw w;
	bool first = true;
	int r = prepare_calls(q, f, &s);

	if (r == 0)
		r = row_lines(q, &lines);
	if (r < 0)
		return r;
	*ret_next = f->after_seq;
	while ((r = query_step(q, s)) > 0) {
		r = row_read(q, s, lines, &row);
		if (r == 0 && !first && !lines_of_text)
			r = buf_add(out, S(",\n"));
		if (r == 0)
			r = write_open_record(&row, out, &w);
		if (r == 0) {
			jsonw_close(&w, '}');
			r = jsonw_done(&w);
		}
		if (r == 0 && lines_of_text)
			r = buf_put(out, '\n');
		if (r < 0)
			return r;
		*ret_next = row.seq;
		first = false;
	}
	return r;
}

int query_call_lines(struct query *q, const struct query_filter *f, struct buf *out,
		     uint64_t *ret_next_seq, char error[QUERY_ERROR])
{
	int r = query_begin(q);

	if (r == 0)
		r = each_call(q, f, true, out, ret_next_seq);
	query_said(q, r, error);
	query_end(q);
	return r;
}

int query_calls(struct query *q, const struct query_filter *f, struct buf *out,
		char error[QUERY_ERROR])
{
	uint64_t next = 0;
	int r = query_begin(q);

	if (r == 0)
		r = buf_add(out, S("{\"calls\": ["));
	if (r == 0)
		r = each_call(q, f, false, out, &next);
	if (r == 0)
		r = buf_printf(out, "], \"next_seq\": %llu}", (unsigned long long)next);
	query_said(q, r, error);
	query_end(q);
	return r;
}

/* ---- one call, with everything the ledger holds of it ---- */

static int write_transfers(struct query *q, const struct query_row *row, struct jsonw *w)
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	int r = query_prepare(q, S(QUERY_TRANSFERS " WHERE t.call_id = ? ORDER BY t.seq"), &s);

	if (r < 0)
		return r;
	if (sqlite3_bind_blob(s, 1, row->id.p, (int)row->id.n, SQLITE_STATIC) != SQLITE_OK)
		return -ENOMEM;
	jsonw_key(w, "transfers");
	jsonw_open(w, '[');
	while ((r = query_step(q, s)) > 0)
		query_write_transfer(s, w);
	jsonw_close(w, ']');
	return r;
}

static int write_revisions(struct query *q, const struct query_row *row, struct jsonw *w)
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	int r = query_prepare(q,
			      S("SELECT reason, booked_ns, told_by, actor, billing, price_book, "
				"cost_pico, amount FROM revision WHERE call_seq = ? "
				"ORDER BY number"),
			      &s);

	if (r < 0)
		return r;
	if (sqlite3_bind_int64(s, 1, (sqlite3_int64)row->seq) != SQLITE_OK)
		return -ENOMEM;
	jsonw_key(w, "revisions");
	jsonw_open(w, '[');
	while ((r = query_step(q, s)) > 0) {
		jsonw_open(w, '{');
		jsonw_key_str(w, "reason", query_text(s, 0));
		query_key_time(w, "booked", query_u64(s, 1));
		query_key_hex(w, "told_by", query_blob(s, 2));
		jsonw_key_str(w, "actor", query_text(s, 3));
		jsonw_key_str(w, "billing", query_text(s, 4));
		jsonw_key_str(w, "book", query_text(s, 5));
		if (sqlite3_column_type(s, 6) != SQLITE_NULL)
			query_key_usd(w, "cost_usd", sqlite3_column_int64(s, 6));
		query_key_usd(w, "amount_usd", sqlite3_column_int64(s, 7));
		jsonw_close(w, '}');
	}
	jsonw_close(w, ']');
	return r;
}

static void write_flag_words(const struct charge *c, struct jsonw *w)
{
	if (!c->flags)
		return;
	jsonw_key(w, "flag_words");
	jsonw_open(w, '[');
	for (unsigned i = 0; i < FLAG_COUNT; i++)
		if (c->flags >> i & 1)
			jsonw_str(w, str_of(names_flag_words[i]));
	jsonw_close(w, ']');
}

static int write_whole_call(struct query *q, sqlite3_stmt *s, sqlite3_stmt *lines, struct buf *out)
{
	struct query_row row;
	struct jsonw w;
	int r = row_read(q, s, lines, &row);

	if (r == 0)
		r = write_open_record(&row, out, &w);
	if (r < 0)
		return r;
	if (row.charge.why != WHY_NONE)
		jsonw_key_str(&w, "why_words", str_of(names_why_words[row.charge.why]));
	write_flag_words(&row.charge, &w);
	jsonw_key(&w, "ledger");
	jsonw_open(&w, '{');
	jsonw_key_u64(&w, "seq", row.seq);
	query_key_time(&w, "booked", row.booked_ns);
	r = write_transfers(q, &row, &w);
	if (r == 0)
		r = write_revisions(q, &row, &w);
	jsonw_close(&w, '}');
	jsonw_close(&w, '}');
	return r < 0 ? r : jsonw_done(&w);
}

/* The smallest and the largest id that begin with these hex digits. */
static int id_range(struct str text, unsigned char low[CALL_ID], unsigned char high[CALL_ID])
{
	char hex[2][2 * CALL_ID];

	if (text.n == 0 || text.n > sizeof(hex[0]))
		return -EINVAL;
	memset(hex[0], '0', sizeof(hex[0]));
	memset(hex[1], 'f', sizeof(hex[1]));
	memcpy(hex[0], text.p, text.n);
	memcpy(hex[1], text.p, text.n);
	if (hash_unhex((struct str){ hex[0], sizeof(hex[0]) }, low, CALL_ID) < 0 ||
	    hash_unhex((struct str){ hex[1], sizeof(hex[1]) }, high, CALL_ID) < 0)
		return -EINVAL;
	return 0;
}

static int find_call(struct query *q, const unsigned char low[CALL_ID],
		     const unsigned char high[CALL_ID], sqlite3_stmt **ret)
{
	_cleanup_(buf_done) struct buf sql = { .limit = QUERY_SQL };
	int r = row_select(&sql);

	if (r == 0)
		r = buf_add(&sql, S(" WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 2"));
	if (r == 0)
		r = query_prepare(q, buf_str(&sql), ret);
	if (r < 0)
		return r;
	if (sqlite3_bind_blob(*ret, 1, low, CALL_ID, SQLITE_STATIC) != SQLITE_OK ||
	    sqlite3_bind_blob(*ret, 2, high, CALL_ID, SQLITE_STATIC) != SQLITE_OK)
		return -ENOMEM;
	r = query_step(q, *ret);
	return r == 0 ? -ENOENT : MIN(r, 0);
}

static int whole_call(struct query *q, const unsigned char low[CALL_ID],
		      const unsigned char high[CALL_ID], struct buf *out)
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	_cleanup_(query_finish) sqlite3_stmt *lines = NULL;
	size_t mark = out->n;
	int r = find_call(q, low, high, &s);

	if (r == 0)
		r = row_lines(q, &lines);
	if (r == 0)
		r = write_whole_call(q, s, lines, out);
	if (r == 0)
		r = query_step(q, s);
	if (r == 0)
		return 0;
	out->n = mark;
	return r > 0 ? -ENOTUNIQ : r;
}

int query_call(struct query *q, struct str id, struct buf *out, char error[QUERY_ERROR])
{
	unsigned char low[CALL_ID], high[CALL_ID];
	int r;

	if (id_range(id, low, high) < 0)
		return query_refuse(error, "a call's id is up to 32 hex digits");
	r = query_begin(q);
	if (r == 0)
		r = whole_call(q, low, high, out);
	query_said(q, r, error);
	query_end(q);
	if (r == -ENOENT)
		(void)query_refuse(error, "no call's id begins with " STR_FMT, STR_ARG(id));
	return r;
}
