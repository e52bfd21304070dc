#include "ledger/book.h"
#include "ledger/put.h"
#include "ledger/revise.h"

struct bill { /* of a call, as it stands now */
	unsigned char id[CALL_ID];
	char team[BOOK_TEAM + 1], contract[TOTAL_NAME + 1];
	int64_t start_ns, pico, list_pico, revision;
};

static struct str bill_id(const struct bill *b)
{
	return (struct str){ (const char *)b->id, CALL_ID };
}

static int bill_of(struct db *db, int64_t seq, struct bill *ret)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_PAID);
	struct str id, team, contract;
	int r;

	use_int(&u, seq);
	r = use_step(&u);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	id = use_col_blob(&u, 0);
	team = use_col_text(&u, 1);
	if (id.n != CALL_ID || team.n > BOOK_TEAM)
		return -EUCLEAN;
	contract = use_col_text(&u, 4);
	*ret = (struct bill){ .start_ns = use_col_int(&u, 2),
			      .revision = use_col_int(&u, 3),
			      .pico = use_col_int(&u, 5),
			      .list_pico = use_col_int(&u, 6) };
	if (contract.n && contract.n <= TOTAL_NAME) /* longer ones are not followed */
		memcpy(ret->contract, contract.p, contract.n);
	memcpy(ret->id, id.p, id.n);
	memcpy(ret->team, team.p, team.n);
	return 0;
}

/* Its charge is not one any more. */
static void unfollow(struct db *db, const struct bill *b)
{
	total_add(&db->totals, str_of(b->contract), (uint64_t)b->start_ns, -b->pico, -b->list_pico);
}

/* ---- what it costs ---- */

static int put_revision(struct db *db, const struct revision *v, const struct bill *b, int64_t more)
{
	const struct call *c = v->as;
	struct use u = db_use(db, SQL_REVISION_NEW);
	struct put_room room;

	use_int(&u, v->call);
	use_int(&u, b->revision + 1);
	use_int(&u, (int64_t)db->now_ns());
	use_text(&u, v->reason);
	use_blob(&u, v->told_by.p, v->told_by.n);
	use_text(&u, v->actor);
	use_int(&u, more);
	use_text(&u, c->usage.model_served);
	use_text(&u, c->usage.tier);
	use_text(&u, c->usage.region);
	put_usage(&u, c);
	put_charge(&u, c, false, WHY_NONE, &room);
	return use_done(&u);
}

/* A revision's transfer is named by the call and its number. */
static int pay_revision(struct db *db, const struct revision *v, const struct bill *b, int64_t more)
{
	unsigned char name[CALL_ID + sizeof(b->revision)], first[CALL_ID];
	char month[BOOK_MONTH];
	struct pay p = {
		.label = "revision",
		.of = { (const char *)name, sizeof(name) },
		.team = str_of(b->team),
		.reason = v->reason,
		.actor = v->actor,
		.call_id = bill_id(b),
		.pico = more,
	};
	bool late;
	int r = book_period(db, (uint64_t)b->start_ns, month, &late);

	if (r == 0)
		r = put_first(db, p.call_id, first, &p.refers_to);
	if (r < 0)
		return r;
	p.period = str_of(month);
	memcpy(name, b->id, CALL_ID);
	memcpy(name + CALL_ID, &b->revision, sizeof(b->revision));
	return put_pay(db, &p);
}

int revise(struct db *db, const struct revision *v, int64_t *ret_pico)
{
	const struct charge *g = &v->as->charge;
	bool charged = g->billing == BILLING_METERED && !v->joined;
	int64_t more = charged ? g->pico : 0;
	struct bill b;
	int r = bill_of(db, v->call, &b);

	if (r < 0)
		return r;
	if (v->number && v->number != b.revision + 1)
		return -EALREADY;
	more -= b.pico; /* neither is negative */
	r = put_revision(db, v, &b, more);
	if (r == 0)
		r = put_lines(db, SQL_REVISION_LINE_NEW, v->as, sqlite3_last_insert_rowid(db->sql));
	if (r == 0)
		r = pay_revision(db, v, &b, more);
	if (r < 0)
		return r;
	unfollow(db, &b);
	if (charged)
		total_add(&db->totals, g->contract, (uint64_t)b.start_ns, g->pico, g->list_pico);
	*ret_pico = more;
	return 0;
}

/* ---- who pays ---- */

static int put_handover(struct db *db, int64_t leg, int64_t caller)
{
	struct use u = db_use(db, SQL_HANDOVER_NEW);

	use_int(&u, leg);
	use_int(&u, caller);
	use_int(&u, (int64_t)db->now_ns());
	return use_done(&u);
}

static int pay_gateway(struct db *db, const char *label, const struct bill *of, struct str team,
		       int64_t pico)
{
	unsigned char first[CALL_ID];
	char month[BOOK_MONTH];
	struct pay p = {
		.label = label,
		.of = bill_id(of),
		.team = team,
		.reason = S("gateway"),
		.call_id = bill_id(of),
		.pico = pico,
	};
	bool late;
	int r = book_period(db, (uint64_t)of->start_ns, month, &late);

	if (r == 0)
		r = put_first(db, p.call_id, first, &p.refers_to);
	p.period = str_of(month);
	return r == 0 ? put_pay(db, &p) : r;
}

static int team_of(struct db *db, int64_t seq, char ret[BOOK_TEAM + 1])
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_CALL_TEAM);
	struct str team;
	int r;

	use_int(&u, seq);
	r = use_step(&u);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	team = use_col_text(&u, 0);
	if (team.n > BOOK_TEAM)
		return -EUCLEAN;
	memcpy(ret, team.p, team.n);
	ret[team.n] = '\0';
	return 0;
}

int revise_payer(struct db *db, int64_t leg, int64_t caller, int64_t *ret_back)
{
	char team[BOOK_TEAM + 1];
	struct bill b, own;
	int r = bill_of(db, leg, &b), mine;

	*ret_back = 0;
	if (r == 0)
		r = team_of(db, caller, team);
	if (r < 0)
		return r;
	/* Where the caller's leg was booked first it may have been charged for itself; else it is joined, and was not. */
	mine = bill_of(db, caller, &own);
	if (mine < 0 && mine != -ENOENT)
		return mine;
	if (mine == 0)
		r = pay_gateway(db, "gateway own", &own, str_of(team), -own.pico);
	if (r == 0 && mine == 0) {
		unfollow(db, &own);
		*ret_back = own.pico;
	}
	if (r == 0 && strcmp(b.team, team) != 0) {
		r = pay_gateway(db, "gateway back", &b, str_of(b.team), -b.pico);
		if (r == 0)
			r = pay_gateway(db, "gateway", &b, str_of(team), b.pico);
	}
	return r == 0 ? put_handover(db, leg, caller) : r;
}
