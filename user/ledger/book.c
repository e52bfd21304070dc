#include <stdio.h>
#include "base/clock.h"
#include "base/dec.h"
#include "base/hash.h"
#include "flow.h"
#include "ledger/book.h"

static const char *const team_kinds[] = { "wallet", "spend", "adjustments" };

int book_account(struct db *db, struct str team, struct str kind, int64_t *ret)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_ACCOUNT);
	int r;

	use_text(&u, team);
	use_text(&u, kind);
	r = use_step(&u);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret = use_col_int(&u, 0);
	return 0;
}

static int account_make(struct db *db, struct str team, struct str kind)
{
	struct use u = db_use(db, SQL_ACCOUNT_NEW);

	use_text(&u, team);
	use_text(&u, kind);
	return use_done(&u);
}

int book_team(struct db *db, struct str team)
{
	int64_t id;
	int r;

	if (team.n == 0 || team.n > BOOK_TEAM)
		return -EINVAL;
	for (size_t i = 0; i < COUNT_OF(team_kinds); i++) {
		r = book_account(db, team, str_of(team_kinds[i]), &id);
		if (r == -ENOENT)
			r = account_make(db, team, str_of(team_kinds[i]));
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- months ---- */

/* 1: open; 0: closed. A month that nobody has seen is made, open. */
static int period_open(struct db *db, const char *month)
{
	struct use u = db_use(db, SQL_PERIOD);
	int r;

	use_text(&u, str_of(month));
	r = use_step(&u);
	if (r > 0) {
		r = str_eq(use_col_text(&u, 0), S("open"));
		use_end(&u);
		return r;
	}
	use_end(&u);
	if (r < 0)
		return r;
	u = db_use(db, SQL_PERIOD_NEW);
	use_text(&u, str_of(month));
	r = use_done(&u);
	return r < 0 ? r : 1;
}

int book_period(struct db *db, uint64_t ns, char ret[BOOK_MONTH], bool *ret_late)
{
	unsigned month = clock_month(ns), now = clock_month(db->now_ns());
	int r;

	for (bool late = false;; late = true) {
		snprintf(ret, BOOK_MONTH, "%04u-%02u", month / 100 % 10000, month % 100);
		r = period_open(db, ret);
		if (r < 0)
			return r;
		*ret_late = late;
		if (r > 0)
			return 0;
		/* Closed: the present month, or the next one that is open. */
		month = !late && now > month ? now : clock_month_next(month);
	}
}

/* ---- transfers ---- */

void book_id(const char *label, struct str of, unsigned char ret[16])
{
	struct hash h;

	hash_init(&h, NULL, 16);
	hash_field(&h, str_of(label));
	hash_field(&h, of);
	hash_end(&h, ret, 16);
}

static int move(struct db *db, int64_t account, int64_t by)
{
	struct use u = db_use(db, SQL_BALANCE);
	__int128 balance;
	int64_t high, low;
	int r;

	use_int(&u, account);
	r = use_step(&u);
	balance = r > 0 ? dec_join(use_col_int(&u, 0), use_col_int(&u, 1)) : 0;
	use_end(&u);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	/* dec_split holds 126 bits and a sign; no sum of int64 gets there in a lifetime. */
	if (__builtin_add_overflow(balance, (__int128)by, &balance))
		return -EOVERFLOW;
	dec_split(balance, &high, &low);
	u = db_use(db, SQL_BALANCE_SET);
	use_int(&u, high);
	use_int(&u, low);
	use_int(&u, account);
	return use_done(&u);
}

static bool exists(struct db *db, struct str id, int *ret_error)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_TRANSFER);

	use_blob(&u, id.p, id.n);
	*ret_error = use_step(&u);
	return *ret_error > 0;
}

static int insert(struct db *db, const struct transfer *t, const unsigned char hash[DB_HASH])
{
	struct use u = db_use(db, SQL_TRANSFER_NEW);

	use_int(&u, t->seq);
	use_blob(&u, t->id.p, t->id.n);
	use_int(&u, t->debit);
	use_int(&u, t->credit);
	use_int(&u, t->amount);
	use_text(&u, t->kind);
	use_blob(&u, t->refers_to.p, t->refers_to.n);
	use_text(&u, t->reason);
	use_int(&u, t->ts_ns);
	use_text(&u, t->period);
	use_blob(&u, t->call_id.p, t->call_id.n);
	use_text(&u, t->actor);
	use_blob(&u, hash, DB_HASH);
	return use_done(&u);
}

int book_transfer(struct db *db, struct transfer *t)
{
	unsigned char hash[DB_HASH];
	int r;

	if (t->amount <= 0 || t->debit == t->credit || t->id.n != CALL_ID)
		return -EINVAL;
	if (exists(db, t->id, &r))
		return -EEXIST;
	if (r < 0)
		return r;
	t->seq = db->head.seq + 1;
	/* A clock that went back does not take the ledger with it. */
	t->ts_ns = MAX((int64_t)db->now_ns(), db->head.ts_ns);
	chain_next(db->head.hash, t, hash);
	r = insert(db, t, hash);
	if (r < 0)
		return r;
	if (chain_moves(t)) {
		r = move(db, t->debit, -t->amount);
		if (r == 0)
			r = move(db, t->credit, t->amount);
		if (r < 0)
			return r;
	}
	db->head.seq = t->seq;
	db->head.ts_ns = t->ts_ns;
	memcpy(db->head.hash, hash, DB_HASH);
	return 0;
}
