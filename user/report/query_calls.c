#include "base/hash.h"
#include "base/limit.h"
#include "base/names.h"
#include "report/query_db.h"
#include "report/record.h"

/* A row of `call` as the record it was made from. */
struct row {
	struct posting posting;
	struct charge charge;
	struct usage usage;
	uint64_t seq, booked_ns;
	struct str id, repeat_of, joined_to, usage_text, low_text, high_text;
};

enum as {
	AS_TEXT,
	AS_BLOB,
	AS_U64,
	AS_U32,
	AS_BOOL,
	AS_STATUS,
	AS_COMM,
	AS_KIND,
	AS_OUTCOME,
	AS_SOURCE,
	AS_BILLING,
	AS_WHY
};

static const struct column {
	const char *name;
	enum as as;
	size_t at;
} columns[] = {
#define COLUMN(name, as, member)                            \
	{                                                   \
		name, AS_##as, offsetof(struct row, member) \
	}
	COLUMN("seq", U64, seq),
	COLUMN("id", BLOB, id),
	COLUMN("booked_ns", U64, booked_ns),
	COLUMN("source_id", TEXT, posting.source_id),
	COLUMN("kind", KIND, usage.kind),
	COLUMN("ts_start", U64, usage.start_ns),
	COLUMN("ts_first", U64, usage.first_ns),
	COLUMN("ts_end", U64, usage.end_ns),
	COLUMN("host", TEXT, posting.host),
	COLUMN("boot_id", TEXT, posting.boot_id),
	COLUMN("cgroup", TEXT, posting.cgroup),
	COLUMN("cgroup_id", U64, usage.from.cgroup),
	COLUMN("unit", TEXT, posting.unit),
	COLUMN("container", TEXT, posting.container),
	COLUMN("pod", TEXT, posting.pod),
	COLUMN("namespace", TEXT, posting.namespace_),
	COLUMN("pid", U32, usage.from.tgid),
	COLUMN("uid", U32, usage.from.uid),
	COLUMN("exe", TEXT, posting.exe),
	COLUMN("comm", COMM, usage.from.comm),
	COLUMN("session", TEXT, usage.session),
	COLUMN("team", TEXT, posting.team),
	COLUMN("project", TEXT, posting.project),
	COLUMN("department", TEXT, posting.department),
	COLUMN("cost_center", TEXT, posting.cost_center),
	COLUMN("environment", TEXT, posting.environment),
	COLUMN("rule", TEXT, posting.rule),
	COLUMN("map_revision", TEXT, posting.map_revision),
	COLUMN("provider", TEXT, usage.provider),
	COLUMN("server_address", TEXT, usage.host),
	COLUMN("operation", TEXT, usage.operation),
	COLUMN("model_requested", TEXT, usage.model_requested),
	COLUMN("model_served", TEXT, usage.model_served),
	COLUMN("response_id", TEXT, usage.response_id),
	COLUMN("request_id", TEXT, usage.request_id),
	COLUMN("service_tier", TEXT, usage.tier),
	COLUMN("region", TEXT, usage.region),
	COLUMN("stream", BOOL, usage.stream),
	COLUMN("http_status", STATUS, usage.status),
	COLUMN("retry_count", STATUS, usage.retry),
	COLUMN("outcome", OUTCOME, usage.outcome),
	COLUMN("credential", TEXT, usage.credential),
	COLUMN("request_hash", TEXT, usage.request_hash),
	COLUMN("repeat_of", BLOB, repeat_of),
	COLUMN("joined_to", BLOB, joined_to),
	COLUMN("usage", TEXT, usage_text),
	COLUMN("usage_low", TEXT, low_text),
	COLUMN("usage_high", TEXT, high_text),
	COLUMN("raw_usage", TEXT, usage.raw),
	COLUMN("source", SOURCE, usage.source),
	COLUMN("why", WHY, charge.why),
	COLUMN("billing", BILLING, charge.billing),
	COLUMN("price_book", TEXT, charge.book),
	COLUMN("price_entry", TEXT, charge.entry),
	COLUMN("price_match", TEXT, charge.match),
	COLUMN("price_tier", TEXT, charge.tier),
	COLUMN("price_band", TEXT, charge.band),
	COLUMN("price_region", TEXT, charge.region),
	COLUMN("cost_pico", U64, charge.pico),
	COLUMN("low_pico", U64, charge.low_pico),
	COLUMN("high_pico", U64, charge.high_pico),
	COLUMN("reported_cost", TEXT, usage.reported_cost),
#undef COLUMN
};

static const struct set {
	const char *const *texts;
	size_t count;
} sets[] = {
	[AS_KIND] = { names_kind, KIND_COUNT },
	[AS_OUTCOME] = { names_outcome, OUTCOME_COUNT },
	[AS_SOURCE] = { names_source, SOURCE_COUNT },
	[AS_BILLING] = { names_billing, BILLING_COUNT },
	[AS_WHY] = { names_why, WHY_COUNT },
};

static void read_column(sqlite3_stmt *s, int i, struct row *row)
{
	const struct column *c = &columns[i];
	void *to = (char *)row + c->at;
	bool absent = sqlite3_column_type(s, i) == SQLITE_NULL;
	struct str text;

	switch (c->as) {
	case AS_TEXT:
		*(struct str *)to = query_text(s, i);
		break;
	case AS_BLOB:
		*(struct str *)to = query_blob(s, i);
		break;
	case AS_U64:
		*(uint64_t *)to = query_u64(s, i);
		break;
	case AS_U32:
		*(uint32_t *)to = (uint32_t)query_u64(s, i);
		break;
	case AS_BOOL:
		*(bool *)to = query_u64(s, i) != 0;
		break;
	case AS_STATUS:
		*(int *)to = absent ? -1 : sqlite3_column_int(s, i);
		break;
	case AS_COMM:
		text = query_text(s, i);
		if (text.n)
			memcpy(to, text.p, MIN(text.n, sizeof(row->usage.from.comm)));
		break;
	default:
		*(unsigned *)to =
			names_number(query_text(s, i), sets[c->as].texts, sets[c->as].count);
	}
}

static void read_leaves(struct str text, struct leaves *ret)
{
	struct str name;
	uint64_t n;

	while (query_leaf(&text, &name, &n))
		for (unsigned leaf = 0; leaf < LEAF_COUNT; leaf++)
			if (str_eq(name, str_of(names_leaf[leaf])))
				leaf_set(ret, leaf, n);
}

/* In the order of tbl/leaf.h, whatever the order of the rows. */
static int read_lines(struct query *q, sqlite3_stmt *lines, struct row *row)
{
	struct charge_line at[LEAF_COUNT];
	bool has[LEAF_COUNT] = { false };
	int r;

	sqlite3_reset(lines);
	if (sqlite3_bind_int64(lines, 1, (sqlite3_int64)row->seq) != SQLITE_OK)
		return -ENOMEM;
	while ((r = query_step(q, lines)) > 0) {
		unsigned leaf = names_number(query_text(lines, 0), names_leaf, LEAF_COUNT);

		has[leaf] = true;
		at[leaf] = (struct charge_line){
			.leaf = leaf,
			.quantity = query_u64(lines, 1),
			.rate = { sqlite3_column_int64(lines, 2), query_u64(lines, 3) },
			.pico = sqlite3_column_int64(lines, 4),
		};
	}
	for (unsigned leaf = 0; leaf < LEAF_COUNT; leaf++)
		if (has[leaf])
			row->charge.line[row->charge.count++] = at[leaf];
	return r;
}

static int read_row(struct query *q, sqlite3_stmt *s, sqlite3_stmt *lines, struct row *ret)
{
	*ret = (struct row){ 0 };
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		read_column(s, (int)i, ret);
	if (ret->id.n == CALL_ID)
		memcpy(ret->posting.id, ret->id.p, CALL_ID);
	ret->posting.charge = &ret->charge;
	ret->charge.usage = &ret->usage;
	ret->usage.why = ret->charge.why;
	ret->usage.billing = ret->charge.billing;
	read_leaves(ret->usage_text, &ret->usage.used);
	read_leaves(ret->low_text, &ret->usage.low);
	read_leaves(ret->high_text, &ret->usage.high);
	return read_lines(q, lines, ret);
}

/* The record, and behind it what only the ledger knows; the object is left open for more. */
static int write_open_record(const struct row *row, struct buf *out, struct jsonw *w)
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
	query_key_hex(w, "joined_to", row->joined_to);
	return 0;
}

static int select_calls(struct buf *sql)
{
	int r = buf_add(sql, S("SELECT "));

	for (size_t i = 0; r == 0 && i < COUNT_OF(columns); i++)
		r = buf_printf(sql, "%s%s", i ? ", " : "", columns[i].name);
	return r == 0 ? buf_add(sql, S(" FROM call")) : r;
}

static int prepare_lines(struct query *q, sqlite3_stmt **ret)
{
	return query_prepare(q,
			     S("SELECT leaf, quantity, rate_pico, rate_per, amount "
			       "FROM charge_line WHERE call_seq = ?"),
			     ret);
}

static int prepare_calls(struct query *q, const struct query_filter *f, sqlite3_stmt **ret)
{
	_cleanup_(buf_done) struct buf sql = { .limit = QUERY_SQL };
	size_t limit = f->limit ? MIN(f->limit, (size_t)LIMIT_API_ROWS) : LIMIT_API_ROWS;
	int r = select_calls(&sql);

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
	struct row row;
	struct jsonw w;
	bool first = true;
	int r = prepare_calls(q, f, &s);

	if (r == 0)
		r = prepare_lines(q, &lines);
	if (r < 0)
		return r;
	*ret_next = f->after_seq;
	while ((r = query_step(q, s)) > 0) {
		r = read_row(q, s, lines, &row);
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

static int write_transfers(struct query *q, const struct row *row, struct jsonw *w)
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

static int write_whole_call(struct query *q, sqlite3_stmt *s, sqlite3_stmt *lines, struct buf *out)
{
	struct row row;
	struct jsonw w;
	int r = read_row(q, s, lines, &row);

	if (r == 0)
		r = write_open_record(&row, out, &w);
	if (r < 0)
		return r;
	if (row.charge.why != WHY_NONE)
		jsonw_key_str(&w, "why_words", str_of(names_why_words[row.charge.why]));
	jsonw_key(&w, "ledger");
	jsonw_open(&w, '{');
	jsonw_key_u64(&w, "seq", row.seq);
	query_key_time(&w, "booked", row.booked_ns);
	r = write_transfers(q, &row, &w);
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
	int r = select_calls(&sql);

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
		r = prepare_lines(q, &lines);
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
