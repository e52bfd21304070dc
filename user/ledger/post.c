#include "ledger/book.h"
#include "ledger/find.h"
#include "ledger/post.h"
#include "ledger/put.h"
#include "ledger/revise.h"

/* 1: there, with *ret_same; 0: new. */
static int look(struct db *db, const struct call *c, bool *ret_same)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_CALL);
	int r;

	use_blob(&u, c->posting.id, CALL_ID);
	r = use_step(&u);
	if (r > 0)
		*ret_same = str_eq(use_col_blob(&u, 0),
				   (struct str){ (const char *)c->content, sizeof(c->content) });
	return r;
}

/* ---- the row of the call; parameters in the order of SQL_CALL_NEW ---- */

static void put_when(struct use *u, const struct call *c, const struct found *f)
{
	use_text(u, c->posting.source_id);
	use_text(u, str_of(names_kind[f->not_created ? KIND_OTHER : c->usage.kind]));
	use_int(u, (int64_t)c->usage.start_ns);
	put_maybe(u, c->usage.first_ns != 0, (int64_t)c->usage.first_ns);
	use_int(u, (int64_t)c->usage.end_ns);
}

static void put_who(struct use *u, const struct call *c)
{
	const struct posting *p = &c->posting;
	const struct origin *o = &c->usage.from;
	size_t comm = strnlen(o->comm, sizeof(o->comm));

	use_text(u, p->host);
	use_text(u, p->boot_id);
	use_blob(u, c->has_epoch ? c->epoch : NULL, sizeof(c->epoch));
	use_text(u, p->cgroup);
	put_maybe(u, o->cgroup != 0, (int64_t)o->cgroup);
	use_text(u, p->unit);
	use_text(u, p->container);
	use_text(u, p->pod);
	use_text(u, p->namespace_);
	put_maybe(u, o->tgid != 0, o->tgid);
	put_maybe(u, o->tgid != 0, o->uid);
	use_text(u, p->exe);
	use_text(u, (struct str){ comm ? o->comm : NULL, comm });
	use_text(u, c->usage.session);
	use_text(u, p->team);
	use_text(u, p->project);
	use_text(u, p->department);
	use_text(u, p->cost_center);
	use_text(u, p->environment);
	use_text(u, p->rule);
	use_text(u, p->map_revision);
	use_int(u, c->plain);
	use_int(u, p->gateway);
}

static void put_what(struct use *u, const struct call *c)
{
	const struct usage *g = &c->usage;

	use_text(u, g->provider);
	use_text(u, g->host);
	use_text(u, g->operation);
	use_text(u, g->model_requested);
	use_text(u, g->model_served);
	use_text(u, g->response_id);
	use_text(u, g->request_id);
	use_text(u, g->tier);
	use_text(u, g->region);
	use_int(u, g->stream);
	put_maybe(u, g->status >= 0, g->status);
	put_maybe(u, g->retry >= 0, g->retry);
	use_text(u, str_of(names_outcome[g->outcome]));
	use_text(u, g->credential);
	use_text(u, g->request_hash);
}

/* How it goes with other calls. */
static void put_again(struct use *u, const struct call *c, const struct found *f)
{
	static const char *const later[] = {
		[LATER_NOT] = NULL, [LATER_FETCHED] = "fetched", [LATER_RESULT] = "result"
	};

	use_text(u, str_of(later[c->usage.later]));
	use_blob(u, f->has_repeat ? f->repeat : NULL, CALL_ID);
	use_blob(u, f->has_retry ? f->retry : NULL, CALL_ID);
}

static int put_call(struct db *db, const struct call *c, const struct found *f, struct str month,
		    int64_t *ret_seq)
{
	struct use u = db_use(db, SQL_CALL_NEW);
	struct put_room room;
	int r;

	use_blob(&u, c->posting.id, CALL_ID);
	use_blob(&u, c->content, sizeof(c->content));
	use_int(&u, (int64_t)db->now_ns());
	use_text(&u, month);
	put_when(&u, c, f);
	put_who(&u, c);
	put_what(&u, c);
	put_again(&u, c, f);
	put_usage(&u, c);
	put_charge(&u, c, f->not_created, f->not_created ? WHY_NOT_CREATED : WHY_NONE, &room);
	use_blob(&u, f->has_joined ? f->joined : NULL, CALL_ID);
	r = use_done(&u);
	*ret_seq = sqlite3_last_insert_rowid(db->sql);
	return r;
}

/* Subscription prices are shown, not debited; what is joined to another call is paid there. */
static int pay_call(struct db *db, const struct call *c, const struct found *f, struct str month,
		    bool late)
{
	struct str id = { (const char *)c->posting.id, CALL_ID };
	struct pay p = {
		.label = "charge",
		.of = id,
		.team = c->posting.team,
		.reason = late ? S("charge of a closed month") : S("charge"),
		.period = month,
		.call_id = id,
		.pico = c->charge.pico,
	};

	if (c->charge.billing != BILLING_METERED || f->has_joined || f->not_created)
		return 0;
	total_add(&db->totals, c->charge.contract, c->usage.start_ns, c->charge.pico,
		  c->charge.list_pico);
	return put_pay(db, &p);
}

/* What this call says of others that are booked. */
static int tell(struct db *db, const struct call *c, const struct found *f, int64_t seq)
{
	struct revision v = {
		.call = f->creation,
		.as = c,
		.reason = S("fetched"),
		.told_by = { (const char *)c->posting.id, CALL_ID },
	};
	int64_t more;
	int r = f->creation ? revise(db, &v, &more) : 0;

	if (r == 0 && f->provider)
		r = revise_payer(db, f->provider, seq, &more);
	if (r == 0 && f->caller)
		r = revise_payer(db, seq, f->caller, &more);
	return r;
}

int post_call(struct db *db, const struct call *c, enum booked *ret)
{
	struct found f = { 0 };
	char month[BOOK_MONTH];
	bool same = false, late = false;
	int64_t seq = 0;
	int r = look(db, c, &same);

	if (r > 0)
		*ret = same ? BOOKED_AGAIN : BOOKED_CONFLICT;
	if (r != 0)
		return MIN(r, 0);

	r = find_call(db, c, &f);
	if (r == 0)
		r = book_team(db, c->posting.team);
	if (r == 0)
		r = book_period(db, c->usage.start_ns, month, &late);
	if (r == 0)
		r = put_call(db, c, &f, str_of(month), &seq);
	if (r == 0 && !f.not_created)
		r = put_lines(db, SQL_LINE_NEW, c, seq);
	if (r == 0)
		r = pay_call(db, c, &f, str_of(month), late);
	if (r == 0)
		r = tell(db, c, &f, seq);
	if (r == 0)
		*ret = f.has_joined ? BOOKED_JOINED : BOOKED_NEW;
	return r;
}
