#include "base/names.h"
#include "report/row.h"

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
	AS_WHY,
	AS_FLAGS,
	AS_LATER
};

static const struct column {
	const char *name;
	enum as as;
	size_t at;
} columns[] = {
#define COLUMN(name, as, member)                                  \
	{                                                         \
		name, AS_##as, offsetof(struct query_row, member) \
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
	COLUMN("flags", FLAGS, charge.flags),
	COLUMN("contract", TEXT, charge.contract),
	COLUMN("list_pico", U64, charge.list_pico),
	COLUMN("shadow_pico", U64, charge.shadow_pico),
	COLUMN("later", LATER, usage.later),
	COLUMN("retry_of", BLOB, retry_of),
	COLUMN("paid_by", TEXT, paid_by),
	COLUMN("gateway", BOOL, posting.gateway),
	COLUMN("usage_billing", TEXT, told_billing),
	COLUMN("usage_why", TEXT, told_why),
	COLUMN("usage_flags", FLAGS, usage.flags),
	COLUMN("revision", U64, revision),
	COLUMN("revision_seq", U64, revision_seq),
	COLUMN("booked_pico", U64, booked_pico),
	COLUMN("booked_billing", BILLING, booked_billing),
#undef COLUMN
};

static const char *const laters[] = { "", "fetched", "result" };

static const struct set {
	const char *const *texts;
	size_t count;
} sets[] = {
	[AS_KIND] = { names_kind, KIND_COUNT },
	[AS_OUTCOME] = { names_outcome, OUTCOME_COUNT },
	[AS_SOURCE] = { names_source, SOURCE_COUNT },
	[AS_BILLING] = { names_billing, BILLING_COUNT },
	[AS_WHY] = { names_why, WHY_COUNT },
	[AS_LATER] = { laters, LATER_RESULT + 1 },
};

static void read_column(sqlite3_stmt *s, int i, struct query_row *row)
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
	case AS_FLAGS:
		*(unsigned *)to = names_flags_read(query_text(s, i));
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
static int read_lines(struct query *q, sqlite3_stmt *lines, struct query_row *row)
{
	struct charge_line at[LEAF_COUNT];
	bool has[LEAF_COUNT] = { false };
	int r;

	sqlite3_reset(lines);
	/* a row of its own has its lines there, and so has each revision */
	if (sqlite3_bind_int64(lines, 1, row->revision ? 0 : (sqlite3_int64)row->seq) !=
		    SQLITE_OK ||
	    sqlite3_bind_int64(lines, 2, (sqlite3_int64)row->revision_seq) != SQLITE_OK)
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

/* What the llm stage said of it. Version 1 kept only the last reason: those of a price say that usage itself was whole. */
static void read_told(struct query_row *row)
{
	static const enum why of_price[] = { WHY_NO_PRICE, WHY_NO_PRICE_DATE, WHY_NO_RATE,
					     WHY_NO_TIER,  WHY_NO_MODEL,      WHY_OVERFLOW };
	bool priced = row->charge.billing != BILLING_UNPRICED;

	if (row->told_billing.p) {
		row->usage.billing = names_number(row->told_billing, names_billing, BILLING_COUNT);
		row->usage.why = names_number(row->told_why, names_why, WHY_COUNT);
		return;
	}
	row->usage.why = row->charge.why;
	row->usage.billing = row->charge.billing;
	for (size_t i = 0; !priced && i < COUNT_OF(of_price); i++)
		if (row->charge.why == of_price[i])
			row->usage.billing = BILLING_METERED;
	if (row->charge.billing == BILLING_FREE)
		row->usage.billing = BILLING_METERED;
	if (row->usage.billing == BILLING_METERED && row->usage.source == SOURCE_REPORTED)
		row->usage.why = WHY_NONE;
}

int row_read(struct query *q, sqlite3_stmt *s, sqlite3_stmt *lines, struct query_row *ret)
{
	*ret = (struct query_row){ 0 };
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		read_column(s, (int)i, ret);
	if (ret->id.n == CALL_ID)
		memcpy(ret->posting.id, ret->id.p, CALL_ID);
	ret->posting.charge = &ret->charge;
	ret->charge.usage = &ret->usage;
	read_told(ret);
	read_leaves(ret->usage_text, &ret->usage.used);
	read_leaves(ret->low_text, &ret->usage.low);
	read_leaves(ret->high_text, &ret->usage.high);
	return read_lines(q, lines, ret);
}

int row_select(struct buf *sql)
{
	int r = buf_add(sql, S("SELECT "));

	for (size_t i = 0; r == 0 && i < COUNT_OF(columns); i++)
		r = buf_printf(sql, "%s%s", i ? ", " : "", columns[i].name);
	return r == 0 ? buf_add(sql, S(" FROM call_now")) : r;
}

int row_lines(struct query *q, sqlite3_stmt **ret)
{
	return query_prepare(q,
			     S("SELECT leaf, quantity, rate_pico, rate_per, amount "
			       "FROM charge_line WHERE call_seq = ?1 UNION ALL "
			       "SELECT leaf, quantity, rate_pico, rate_per, amount "
			       "FROM revision_line WHERE revision_seq = ?2"),
			     ret);
}
