#include "base/limit.h"
#include "report/query_db.h"

#define LOW_PART 10 /* a wallet is low below a tenth of what was put into it */

enum {
	W_TEAM,
	W_HIGH,
	W_LOW,
	W_CURRENCY,
	W_IN,
	W_BACK,
	W_SPENT_HIGH,
	W_SPENT_LOW,
	W_ADJ_HIGH,
	W_ADJ_LOW
};

/* Balances are credits minus debits: money spent is a credit of `spend`, money given back a debit of `adjustments`. */
static const char wallets_sql[] =
	"SELECT w.team, w.balance_high, w.balance_low, w.currency, "
	"(SELECT sum_pico(t.amount) FROM transfer t JOIN account f ON f.id = t.debit "
	"  WHERE t.credit = w.id AND f.kind = 'funding'), "
	"(SELECT sum_pico(t.amount) FROM transfer t JOIN account f ON f.id = t.credit "
	"  WHERE t.debit = w.id AND f.kind = 'funding'), "
	"s.balance_high, s.balance_low, a.balance_high, a.balance_low "
	"FROM account w LEFT JOIN account s ON s.team = w.team AND s.kind = 'spend' "
	"LEFT JOIN account a ON a.team = w.team AND a.kind = 'adjustments' "
	"WHERE w.kind = 'wallet' AND (?1 IS NULL OR w.team = ?1) ORDER BY w.team";

static __int128 balance(sqlite3_stmt *s, int high, int low)
{
	return dec_join(sqlite3_column_int64(s, high), sqlite3_column_int64(s, low));
}

static const char *wallet_status(__int128 left, __int128 allocated)
{
	if (left < 0)
		return "overdrawn";
	if (left == 0)
		return allocated ? "depleted" : "unfunded";
	return left < allocated / LOW_PART ? "low" : "healthy";
}

static int write_wallet(sqlite3_stmt *s, struct jsonw *w)
{
	__int128 in, back, left = balance(s, W_HIGH, W_LOW);
	int r = query_sum(s, W_IN, &in);

	if (r == 0)
		r = query_sum(s, W_BACK, &back);
	if (r < 0)
		return r;
	jsonw_open(w, '{');
	jsonw_key_str(w, "team_id", query_text(s, W_TEAM));
	query_key_usd(w, "balance", left);
	query_key_usd(w, "allocated", in - back);
	query_key_usd(w, "spent", balance(s, W_SPENT_HIGH, W_SPENT_LOW));
	query_key_usd(w, "adjusted", -balance(s, W_ADJ_HIGH, W_ADJ_LOW));
	jsonw_key_str(w, "currency", query_text(s, W_CURRENCY));
	jsonw_key_str(w, "status", str_of(wallet_status(left, in - back)));
	jsonw_close(w, '}');
	return 0;
}

static int bind_team(sqlite3_stmt *s, int at, struct str team)
{
	if (!team.p)
		return 0;
	return sqlite3_bind_text(s, at, team.p, (int)team.n, SQLITE_STATIC) == SQLITE_OK ? 0
											 : -ENOMEM;
}

/* The wallets, one after another; *ret_count says how many. */
static int each_wallet(struct query *q, struct str team, struct jsonw *w, size_t *ret_count)
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	int r = query_prepare(q, str_of(wallets_sql), &s);

	if (r == 0)
		r = bind_team(s, 1, team);
	*ret_count = 0;
	while (r == 0 && (r = query_step(q, s)) > 0) {
		++*ret_count;
		r = write_wallet(s, w);
	}
	return r;
}

int query_wallets(struct query *q, struct str team, struct buf *out, char error[QUERY_ERROR])
{
	struct jsonw w;
	size_t count;
	int r = query_begin(q);

	jsonw_init(&w, out);
	jsonw_open(&w, '{');
	jsonw_key(&w, "wallets");
	jsonw_open(&w, '[');
	if (r == 0)
		r = each_wallet(q, team, &w, &count);
	jsonw_close(&w, ']');
	jsonw_close(&w, '}');
	query_said(q, r, error);
	query_end(q);
	return r < 0 ? r : jsonw_done(&w);
}

static int no_team(struct str team, char error[QUERY_ERROR])
{
	query_refuse(error, "no wallet of a team '" STR_FMT "'", STR_ARG(str_head(team, 64)));
	return -ENOENT;
}

int query_wallet(struct query *q, struct str team, struct buf *out, char error[QUERY_ERROR])
{
	struct jsonw w;
	size_t count = 0;
	int r = query_begin(q);

	jsonw_init(&w, out);
	if (r == 0)
		r = each_wallet(q, team, &w, &count);
	query_said(q, r, error);
	query_end(q);
	if (r == 0 && count == 0)
		return no_team(team, error);
	return r < 0 ? r : jsonw_done(&w);
}

/* ---- transactions ---- */

void query_write_transfer(sqlite3_stmt *s, struct jsonw *w)
{
	jsonw_open(w, '{');
	jsonw_key_u64(w, "seq", query_u64(s, 0));
	query_key_hex(w, "id", query_blob(s, 1));
	jsonw_key_str(w, "debit", query_text(s, 2));
	jsonw_key_str(w, "credit", query_text(s, 3));
	query_key_usd(w, "amount", sqlite3_column_int64(s, 4));
	jsonw_key_str(w, "kind", query_text(s, 5));
	query_key_hex(w, "refers_to", query_blob(s, 6));
	jsonw_key_str(w, "reason", query_text(s, 7));
	query_key_time(w, "ts", query_u64(s, 8));
	query_key_hex(w, "call_id", query_blob(s, 9));
	jsonw_key_str(w, "actor", query_text(s, 10));
	jsonw_close(w, '}');
}

static int wallet_account(struct query *q, struct str team, sqlite3_int64 *ret)
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	int r = query_prepare(q, S("SELECT id FROM account WHERE team = ?1 AND kind = 'wallet'"),
			      &s);

	if (r == 0)
		r = bind_team(s, 1, team);
	if (r == 0)
		r = query_step(q, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret = sqlite3_column_int64(s, 0);
	return 0;
}

static int each_transfer(struct query *q, sqlite3_int64 account, size_t limit, struct jsonw *w)
{
	_cleanup_(query_finish) sqlite3_stmt *s = NULL;
	int r = query_prepare(q,
			      S(QUERY_TRANSFERS " WHERE t.debit = ?1 OR t.credit = ?1 "
						"ORDER BY t.seq DESC LIMIT ?2"),
			      &s);

	if (r < 0)
		return r;
	if (limit == 0 || limit > LIMIT_API_ROWS)
		limit = LIMIT_API_ROWS;
	if (sqlite3_bind_int64(s, 1, account) != SQLITE_OK ||
	    sqlite3_bind_int64(s, 2, (sqlite3_int64)limit) != SQLITE_OK)
		return -ENOMEM;
	while ((r = query_step(q, s)) > 0)
		query_write_transfer(s, w);
	return r;
}

int query_transactions(struct query *q, struct str team, size_t limit, struct buf *out,
		       char error[QUERY_ERROR])
{
	sqlite3_int64 account = 0;
	struct jsonw w;
	int r = query_begin(q);

	jsonw_init(&w, out);
	jsonw_open(&w, '{');
	jsonw_key(&w, "transactions");
	jsonw_open(&w, '[');
	if (r == 0)
		r = wallet_account(q, team, &account);
	if (r == 0)
		r = each_transfer(q, account, limit, &w);
	jsonw_close(&w, ']');
	jsonw_close(&w, '}');
	query_said(q, r, error);
	query_end(q);
	if (r == -ENOENT)
		return no_team(team, error);
	return r < 0 ? r : jsonw_done(&w);
}
