#include <stdio.h>
#include "base/dec.h"
#include "base/hash.h"
#include "base/obj.h"
#include "ledger/chain.h"

#define ABSENT UINT64_MAX /* the length of what is not there */

static void add(struct hash *h, struct str s)
{
	hash_u64(h, s.p ? s.n : ABSENT);
	hash_add(h, s);
}

void chain_next(const unsigned char before[DB_HASH], const struct transfer *t,
		unsigned char ret[DB_HASH])
{
	struct hash h;

	hash_init(&h, NULL, DB_HASH);
	hash_add(&h, (struct str){ (const char *)before, DB_HASH });
	hash_u64(&h, (uint64_t)t->seq);
	add(&h, t->id);
	hash_u64(&h, (uint64_t)t->debit);
	hash_u64(&h, (uint64_t)t->credit);
	hash_u64(&h, (uint64_t)t->amount);
	add(&h, t->kind);
	add(&h, t->refers_to);
	add(&h, t->reason);
	hash_u64(&h, (uint64_t)t->ts_ns);
	add(&h, t->period);
	add(&h, t->call_id);
	add(&h, t->actor);
	hash_end(&h, ret, DB_HASH);
}

bool chain_moves(const struct transfer *t)
{
	return str_eq(t->kind, S("posted")) || str_eq(t->kind, S("post"));
}

static struct str optional(struct use *u, int column, struct str s)
{
	/* SQLite hands out a NULL pointer for an empty value too. */
	return use_col_null(u, column) ? STR_NONE : s.p ? s : S("");
}

static void row_of(struct use *u, struct transfer *ret)
{
	*ret = (struct transfer){
		.seq = use_col_int(u, 0),
		.id = use_col_blob(u, 1),
		.debit = use_col_int(u, 2),
		.credit = use_col_int(u, 3),
		.amount = use_col_int(u, 4),
		.kind = use_col_text(u, 5),
		.refers_to = optional(u, 6, use_col_blob(u, 6)),
		.reason = optional(u, 7, use_col_text(u, 7)),
		.ts_ns = use_col_int(u, 8),
		.period = use_col_text(u, 9),
		.call_id = optional(u, 10, use_col_blob(u, 10)),
		.actor = optional(u, 11, use_col_text(u, 11)),
	};
}

static int wrong(char error[256], int64_t seq, const char *what)
{
	snprintf(error, 256, "transfer %lld: %s", (long long)seq, what);
	return -EUCLEAN;
}

static int verify_row(const struct transfer *t, struct str hash, struct head *head, char error[256])
{
	unsigned char want[DB_HASH];

	if (t->seq != head->seq + 1)
		return wrong(error, t->seq, "its number does not follow the one before");
	if (t->ts_ns < head->ts_ns)
		return wrong(error, t->seq, "it is earlier than the one before");
	chain_next(head->hash, t, want);
	if (!str_eq(hash, (struct str){ (const char *)want, DB_HASH }))
		return wrong(error, t->seq, "its hash does not follow from its content");
	head->seq = t->seq;
	head->ts_ns = t->ts_ns;
	memcpy(head->hash, want, DB_HASH);
	return 0;
}

int chain_verify(struct db *db, int64_t seq, char error[256])
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_TRANSFERS);
	struct head head = { 0 };
	struct transfer t;
	int r;

	use_int(&u, MAX(seq - 1, (int64_t)1));
	while ((r = use_step(&u)) > 0) {
		struct str hash = use_col_blob(&u, 12);

		row_of(&u, &t);
		if (seq > 1 && head.seq == 0) { /* what the rows asked for stand on */
			if (hash.n != DB_HASH)
				return wrong(error, t.seq, "it has no hash");
			head.seq = t.seq;
			head.ts_ns = t.ts_ns;
			memcpy(head.hash, hash.p, DB_HASH);
			continue;
		}
		r = verify_row(&t, hash, &head, error);
		if (r < 0)
			return r;
	}
	if (r < 0)
		snprintf(error, 256, "transfers cannot be read: %s", sqlite3_errmsg(db->sql));
	else if (head.seq != db->head.seq)
		r = wrong(error, head.seq, "the chain ends before the last transfer");
	return r;
}

/* ---- balances ---- */

struct tally {
	int64_t id;
	__int128 kept, fold;
};

struct tallies {
	size_t count;
	struct tally *of;
};

static void tallies_done(struct tallies *t)
{
	mem_free(t->of);
}

static struct tally *tally_find(struct tallies *t, int64_t id)
{
	size_t low = 0, high = t->count;

	while (low < high) { /* in the order of ids */
		size_t mid = low + (high - low) / 2;

		if (t->of[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->count && t->of[low].id == id ? &t->of[low] : NULL;
}

static int tallies_read(struct db *db, struct tallies *t)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_ACCOUNTS);
	struct tally *grown;
	int r;

	while ((r = use_step(&u)) > 0) {
		grown = mem_grow(t->of, t->count + 1, sizeof(*t->of));
		if (!grown)
			return -ENOMEM;
		t->of = grown;
		t->of[t->count++] = (struct tally){
			.id = use_col_int(&u, 0),
			.kept = dec_join(use_col_int(&u, 1), use_col_int(&u, 2)),
		};
	}
	return r;
}

static int fold_rows(struct db *db, struct tallies *t, char error[256])
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_TRANSFERS);
	struct tally *debit, *credit;
	struct transfer row;
	int r;

	use_int(&u, 1);
	while ((r = use_step(&u)) > 0) {
		row_of(&u, &row);
		debit = tally_find(t, row.debit);
		credit = tally_find(t, row.credit);
		if (!debit || !credit || debit == credit || row.amount <= 0)
			return wrong(error, row.seq, "it does not move money between two accounts");
		if (!chain_moves(&row))
			continue;
		debit->fold -= row.amount;
		credit->fold += row.amount;
	}
	return r;
}

int chain_fold(struct db *db, char error[256])
{
	_cleanup_(tallies_done) struct tallies t = { 0 };
	__int128 all = 0;
	int r = tallies_read(db, &t);

	snprintf(error, 256, "accounts and transfers cannot be read");
	if (r == 0)
		r = fold_rows(db, &t, error);
	for (size_t i = 0; r == 0 && i < t.count; i++) {
		all += t.of[i].kept;
		if (t.of[i].kept != t.of[i].fold) {
			snprintf(error, 256,
				 "account %lld: its balance is not the sum of its transfers",
				 (long long)t.of[i].id);
			r = -EUCLEAN;
		}
	}
	if (r == 0 && all != 0) {
		snprintf(error, 256, "the balances do not add up to 0");
		r = -EUCLEAN;
	}
	return r;
}
