#include "base/clock.h"
#include "base/names.h"
#include "ledger/book.h"
#include "ledger/post.h"

#define CLOCK_SLIP_NS NS_PER_SEC /* between the clocks of two epochs */

enum { /* where bytes come from */
#define TLS(row, family, function, shape, dir, finder, tried) ROW_##row,
#include "tbl/tls.h"
#undef TLS
};

struct found { /* what the ledger knows about this call already */
	char month[BOOK_MONTH];
	bool late;
	bool has_repeat, has_joined;
	unsigned char repeat[CALL_ID], joined[CALL_ID];
	char why[NAMES_TEXT];
	struct str why_text;
	int64_t seq;
};

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

static int look_repeat(struct db *db, const struct call *c, struct found *f)
{
	_cleanup_(use_end) struct use u = { 0 };
	struct str id;
	int r;

	if (c->usage.request_hash.n == 0)
		return 0;
	u = db_use(db, SQL_CALL_REPEAT);
	use_text(&u, c->usage.request_hash);
	r = use_step(&u);
	if (r <= 0)
		return r;
	id = use_col_blob(&u, 0);
	f->has_repeat = id.n == CALL_ID;
	if (f->has_repeat)
		memcpy(f->repeat, id.p, CALL_ID);
	return 0;
}

static int look_joined(struct db *db, const struct call *c, struct found *f)
{
	_cleanup_(use_end) struct use u = { 0 };
	struct str id, epoch;
	bool other, overlaps;
	int r;

	if (c->usage.response_id.n == 0 || c->usage.kind != KIND_INFERENCE)
		return 0;
	u = db_use(db, SQL_CALL_BILLED);
	use_text(&u, c->usage.response_id);
	use_text(&u, c->usage.provider);
	r = use_step(&u);
	if (r <= 0)
		return r;
	id = use_col_blob(&u, 0);
	epoch = use_col_blob(&u, 1);
	if (id.n != CALL_ID)
		return -EUCLEAN;
	other = !str_eq(
		epoch, (struct str){ (const char *)c->epoch, c->has_epoch ? sizeof(c->epoch) : 0 });
	/* who saw all of a call was there when anybody saw a part of it */
	overlaps = (uint64_t)use_col_int(&u, 2) <= c->usage.end_ns + CLOCK_SLIP_NS &&
		   (uint64_t)use_col_int(&u, 3) + CLOCK_SLIP_NS >= c->usage.start_ns;
	f->has_joined = c->usage.why == WHY_MIDSTREAM || (other && overlaps);
	memcpy(f->joined, id.p, CALL_ID);
	return 0;
}

static void use_maybe(struct use *u, bool has, int64_t n)
{
	if (has)
		use_int(u, n);
	else
		use_null(u);
}

/* The two sides of a gateway on this host: one answer, passed on to another process while it came, under another address.
 * A server that repeats its ids is under one address. Who asks says what the address is, and may have made the answer up: so
 * what may be a provider's own answer, since it came over TLS, is only paid by a side that was not cheaper. Of the same
 * price, whoever is booked first pays. */
static int look_leg(struct db *db, const struct call *c, struct found *f)
{
	_cleanup_(use_end) struct use u = { 0 };
	bool plain = c->usage.from.row == ROW_PLAIN;
	struct str id;
	int r;

	if (f->has_joined || !c->has_epoch || c->usage.response_id.n == 0 || c->usage.host.n == 0 ||
	    c->usage.kind != KIND_INFERENCE || (!plain && c->charge.billing == BILLING_UNPRICED))
		return 0;
	u = db_use(db, SQL_CALL_LEG);
	use_text(&u, c->usage.response_id);
	use_text(&u, c->usage.provider);
	use_blob(&u, c->epoch, sizeof(c->epoch));
	use_text(&u, c->usage.host);
	use_maybe(&u, c->usage.from.tgid != 0, c->usage.from.tgid);
	use_int(&u, (int64_t)c->usage.end_ns);
	use_int(&u, (int64_t)c->usage.start_ns);
	use_int(&u, plain ? 0 : c->charge.pico);
	r = use_step(&u);
	if (r <= 0)
		return r;
	id = use_col_blob(&u, 0);
	f->has_joined = id.n == CALL_ID;
	if (f->has_joined)
		memcpy(f->joined, id.p, CALL_ID);
	return 0;
}

/* ---- the row of the call; parameters in the order of SQL_CALL_NEW ---- */

static void put_when(struct use *u, const struct call *c)
{
	use_text(u, c->posting.source_id);
	use_text(u, str_of(names_kind[c->usage.kind]));
	use_int(u, (int64_t)c->usage.start_ns);
	use_maybe(u, c->usage.first_ns != 0, (int64_t)c->usage.first_ns);
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
	use_maybe(u, o->cgroup != 0, (int64_t)o->cgroup);
	use_text(u, p->unit);
	use_text(u, p->container);
	use_text(u, p->pod);
	use_text(u, p->namespace_);
	use_maybe(u, o->tgid != 0, o->tgid);
	use_maybe(u, o->tgid != 0, o->uid);
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
}

static void put_what(struct use *u, const struct call *c, const struct found *f)
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
	use_maybe(u, g->status >= 0, g->status);
	use_maybe(u, g->retry >= 0, g->retry);
	use_text(u, str_of(names_outcome[g->outcome]));
	use_text(u, g->credential);
	use_text(u, g->request_hash);
	use_blob(u, f->has_repeat ? f->repeat : NULL, CALL_ID);
}

static void put_cost(struct use *u, const struct call *c, const struct found *f)
{
	const struct charge *g = &c->charge;
	bool priced = g->billing != BILLING_UNPRICED;

	use_text(u, c->used);
	use_text(u, c->low);
	use_text(u, c->high);
	use_text(u, c->usage.raw);
	use_text(u, str_of(names_source[c->usage.source]));
	use_text(u, f->why_text);
	use_text(u, str_of(names_billing[g->billing]));
	use_text(u, g->book);
	use_text(u, g->entry);
	use_text(u, g->match);
	use_text(u, g->tier);
	use_text(u, g->band);
	use_text(u, g->region);
	use_maybe(u, priced, g->pico);
	use_maybe(u, priced, g->low_pico);
	use_maybe(u, priced, g->high_pico);
	use_text(u, c->usage.reported_cost);
	use_blob(u, f->has_joined ? f->joined : NULL, CALL_ID);
}

static int put_call(struct db *db, const struct call *c, struct found *f)
{
	struct use u = db_use(db, SQL_CALL_NEW);
	int r;

	use_blob(&u, c->posting.id, CALL_ID);
	use_blob(&u, c->content, sizeof(c->content));
	use_int(&u, (int64_t)db->now_ns());
	use_text(&u, str_of(f->month));
	put_when(&u, c);
	put_who(&u, c);
	put_what(&u, c, f);
	put_cost(&u, c, f);
	r = use_done(&u);
	f->seq = sqlite3_last_insert_rowid(db->sql);
	return r;
}

static int put_lines(struct db *db, const struct call *c, int64_t seq)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->charge.count; i++) {
		const struct charge_line *l = &c->charge.line[i];
		struct use u = db_use(db, SQL_LINE_NEW);

		use_int(&u, seq);
		use_text(&u, str_of(names_leaf[l->leaf]));
		use_int(&u, (int64_t)l->quantity);
		use_int(&u, l->rate.pico);
		use_int(&u, (int64_t)l->rate.per);
		use_int(&u, l->pico);
		r = use_done(&u);
	}
	return r;
}

static int put_transfer(struct db *db, const struct call *c, const struct found *f)
{
	unsigned char id[CALL_ID];
	struct transfer t = {
		.id = { (const char *)id, sizeof(id) },
		.amount = c->charge.pico,
		.kind = S("posted"),
		.reason = f->late ? S("charge of a closed month") : S("charge"),
		.period = str_of(f->month),
		.call_id = { (const char *)c->posting.id, CALL_ID },
	};
	int r = book_account(db, c->posting.team, S("wallet"), &t.debit);

	if (r == 0)
		r = book_account(db, c->posting.team, S("spend"), &t.credit);
	if (r < 0)
		return r;
	book_id("charge", t.call_id, id);
	return book_transfer(db, &t);
}

int post_call(struct db *db, const struct call *c, enum booked *ret)
{
	struct found f = { .seq = 0 };
	bool same = false;
	int r = look(db, c, &same);

	if (r > 0)
		*ret = same ? BOOKED_AGAIN : BOOKED_CONFLICT;
	if (r != 0)
		return MIN(r, 0);

	f.why_text = names_why_text(c->charge.why, f.why);
	r = look_repeat(db, c, &f);
	if (r == 0)
		r = look_joined(db, c, &f);
	if (r == 0)
		r = look_leg(db, c, &f);
	if (r == 0)
		r = book_team(db, c->posting.team);
	if (r == 0)
		r = book_period(db, c->usage.start_ns, f.month, &f.late);
	if (r == 0)
		r = put_call(db, c, &f);
	if (r == 0)
		r = put_lines(db, c, f.seq);
	/* Subscription prices are shown, not debited. */
	if (r == 0 && c->charge.billing == BILLING_METERED && c->charge.pico > 0 && !f.has_joined)
		r = put_transfer(db, c, &f);
	if (r == 0)
		*ret = f.has_joined ? BOOKED_JOINED : BOOKED_NEW;
	return r;
}
