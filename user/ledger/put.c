#include "ledger/book.h"
#include "ledger/put.h"

void put_maybe(struct use *u, bool has, int64_t n)
{
	if (has)
		use_int(u, n);
	else
		use_null(u);
}

void put_usage(struct use *u, const struct call *c)
{
	use_text(u, c->used);
	use_text(u, c->low);
	use_text(u, c->high);
	use_text(u, c->usage.raw);
	use_text(u, str_of(names_source[c->usage.source]));
}

void put_charge(struct use *u, const struct call *c, bool none, enum why why, struct put_room *room)
{
	const struct charge *g = &c->charge;
	enum billing billing = none ? BILLING_UNPRICED : g->billing;
	/* what a plan pays is not known either, where no entry says what it would have cost */
	bool known = billing != BILLING_UNPRICED && (billing != BILLING_SUBSCRIPTION || g->entry.n);
	struct str price[] = { g->book, g->entry, g->match, g->tier, g->band, g->region };

	use_text(u, names_why_text(why ? why : g->why, room->why));
	use_text(u, str_of(names_billing[billing]));
	use_text(u, str_of(names_billing[c->usage.billing]));
	use_text(u, names_why_text(c->usage.why, room->told));
	use_text(u, c->told_flags);
	for (size_t i = 0; i < COUNT_OF(price); i++)
		use_text(u, none ? STR_NONE : price[i]);
	use_text(u, none ? c->told_flags : c->flags);
	use_text(u, none ? STR_NONE : g->contract);
	put_maybe(u, known, g->list_pico);
	put_maybe(u, billing == BILLING_UNPRICED && !none && g->shadow_pico, g->shadow_pico);
	put_maybe(u, known, g->pico);
	put_maybe(u, known, g->low_pico);
	put_maybe(u, known, g->high_pico);
	use_text(u, c->usage.reported_cost);
}

int put_lines(struct db *db, enum sql name, const struct call *c, int64_t seq)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->charge.count; i++) {
		const struct charge_line *l = &c->charge.line[i];
		struct use u = db_use(db, name);

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

int put_pay(struct db *db, const struct pay *p)
{
	bool back = p->pico < 0;
	unsigned char id[CALL_ID];
	struct transfer t = {
		.id = { (const char *)id, sizeof(id) },
		.amount = back ? -p->pico : p->pico,
		.kind = S("posted"),
		.refers_to = p->refers_to,
		.reason = p->reason,
		.period = p->period,
		.call_id = p->call_id,
		.actor = p->actor,
	};
	int r = p->pico ? book_team(db, p->team) : 0;

	if (p->pico == 0)
		return 0;
	if (r == 0)
		r = book_account(db, p->team, S("wallet"), back ? &t.credit : &t.debit);
	if (r == 0)
		r = book_account(db, p->team, S("spend"), back ? &t.debit : &t.credit);
	if (r < 0)
		return r;
	book_id(p->label, p->of, id);
	return book_transfer(db, &t);
}

int put_first(struct db *db, struct str call_id, unsigned char room[CALL_ID], struct str *ret)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_TRANSFER);
	int r;

	book_id("charge", call_id, room);
	use_blob(&u, room, CALL_ID);
	r = use_step(&u);
	*ret = r > 0 ? (struct str){ (const char *)room, CALL_ID } : STR_NONE;
	return MIN(r, 0);
}
