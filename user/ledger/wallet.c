#include "base/hash.h"
#include "ledger/book.h"
#include "ledger/text.h"
#include "ledger/wallet.h"

#define WALLET_TEXT 1024 /* bytes of a reason, key or actor */

static bool sane(struct str s)
{
	return s.n <= WALLET_TEXT && text_valid(s);
}

int wallet_plan(const struct wallet_move *m, struct wallet_job *ret)
{
	struct hash h;

	if (m->pico <= 0 || m->team.n == 0 || m->team.n > BOOK_TEAM || !text_valid(m->team) ||
	    !sane(m->reason) || !sane(m->key) || !sane(m->actor))
		return -EINVAL;
	*ret = (struct wallet_job){ .move = m };
	hash_init(&h, NULL, sizeof(ret->asked));
	hash_field(&h, S("allocate"));
	hash_field(&h, m->team);
	hash_u64(&h, (uint64_t)m->pico);
	hash_field(&h, m->reason);
	hash_end(&h, ret->asked, sizeof(ret->asked));
	if (m->key.n)
		book_id("key", m->key, ret->id);
	else
		hash_random(ret->id, sizeof(ret->id));
	return 0;
}

/* 1: the key was used for this; 0: it is new; -EEXIST: for something else. */
static int key_used(struct db *db, struct wallet_job *j)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_KEY);
	struct str id;
	int r;

	use_text(&u, j->move->key);
	r = use_step(&u);
	if (r <= 0)
		return r;
	if (!str_eq(use_col_blob(&u, 0), (struct str){ (char *)j->asked, sizeof(j->asked) }))
		return -EEXIST;
	id = use_col_blob(&u, 1);
	if (id.n != sizeof(j->id))
		return -EUCLEAN;
	memcpy(j->id, id.p, id.n);
	return 1;
}

static int key_keep(struct db *db, const struct wallet_job *j)
{
	struct use u = db_use(db, SQL_KEY_NEW);

	use_text(&u, j->move->key);
	use_blob(&u, j->asked, sizeof(j->asked));
	use_blob(&u, j->id, sizeof(j->id));
	return use_done(&u);
}

int wallet_allocate(struct db *db, void *job)
{
	struct wallet_job *j = job;
	char month[BOOK_MONTH];
	struct transfer t = {
		.id = { (char *)j->id, sizeof(j->id) },
		.amount = j->move->pico,
		.kind = S("posted"),
		.reason = j->move->reason.n ? j->move->reason : S("allocate"),
		.actor = j->move->actor,
	};
	bool late;
	int r = j->move->key.n ? key_used(db, j) : 0;

	if (r != 0)
		return MIN(r, 0);
	r = book_account(db, S(BOOK_ORG), S("funding"), &t.debit);
	if (r == 0)
		r = book_account(db, j->move->team, S("wallet"), &t.credit);
	if (r == 0)
		r = book_period(db, db->now_ns(), month, &late);
	if (r < 0)
		return r;
	t.period = str_of(month);
	r = book_transfer(db, &t);
	/* Without a key the id is random: it can only be there when this very job was committed. */
	if (r == -EEXIST && j->move->key.n == 0)
		return 0;
	if (r == 0 && j->move->key.n)
		r = key_keep(db, j);
	return r;
}
