#include "ledger/find.h"
#include "ledger/reprice.h"
#include "ledger/revise.h"

/* What the row of a call says and a posting that was read from it does not. */
static int place(struct db *db, struct call *c, int64_t *ret_seq, bool *ret_charged)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_CALL_PLACE);
	struct str epoch;
	int r;

	use_blob(&u, c->posting.id, CALL_ID);
	r = use_step(&u);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret_seq = use_col_int(&u, 0);
	epoch = use_col_blob(&u, 1);
	c->has_epoch = epoch.n == CALL_EPOCH;
	if (c->has_epoch)
		memcpy(c->epoch, epoch.p, CALL_EPOCH);
	c->plain = use_col_int(&u, 2) != 0;
	*ret_charged = use_col_int(&u, 3) != 0;
	return 0;
}

/* Who pays, where a gateway made the call, or asked for it. */
static int hand_over(struct db *db, const struct found *f, int64_t seq, struct repriced *ret)
{
	int64_t back = 0;
	int r = 0;

	if (f->provider)
		r = revise_payer(db, f->provider, seq, &back);
	else if (f->caller)
		r = revise_payer(db, seq, f->caller, &back);
	ret->more -= back;
	ret->joined |= f->caller != 0;
	return r;
}

int reprice(struct db *db, struct call *c, int64_t number, struct str actor, struct repriced *ret)
{
	struct revision v = { .as = c, .reason = S("repriced"), .actor = actor, .number = number };
	struct repriced got = { 0 };
	struct found f = { 0 };
	bool charged;
	int r = place(db, c, &v.call, &charged);

	if (r == 0 && !charged && c->charge.billing == BILLING_METERED)
		r = find_twin(db, c, v.call, &f);
	if (r < 0)
		return r;
	if (f.has_joined) {
		v.reason = S("joined");
		v.joined = true;
		v.told_by = (struct str){ (const char *)f.joined, CALL_ID };
	}
	r = revise(db, &v, &got.more);
	if (r == 0)
		r = hand_over(db, &f, v.call, &got);
	if (r < 0)
		return r;
	got.charged = !f.has_joined;
	got.joined |= f.has_joined;
	*ret = got;
	return 0;
}
