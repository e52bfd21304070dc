#include "base/clock.h"
#include "base/names.h"
#include "ledger/find.h"

#define CLOCK_SLIP_NS NS_PER_SEC /* between the clocks of two epochs */
/* From a failure until the client has asked again: SDKs wait at most a minute, also when the provider says for how long. */
#define RETRY_NS (120 * NS_PER_SEC)

static bool keep_id(struct use *u, int column, unsigned char ret[CALL_ID])
{
	struct str id = use_col_blob(u, column);

	if (id.n == CALL_ID)
		memcpy(ret, id.p, CALL_ID);
	return id.n == CALL_ID;
}

static void use_pid(struct use *u, const struct call *c)
{
	if (c->usage.from.tgid)
		use_int(u, c->usage.from.tgid);
	else
		use_null(u);
}

/* ---- the same request ---- */

static bool failed(struct str outcome)
{
	return str_eq(outcome, str_of(names_outcome[OUTCOME_RATE_LIMITED])) ||
	       str_eq(outcome, str_of(names_outcome[OUTCOME_SERVER_ERROR])) ||
	       str_eq(outcome, str_of(names_outcome[OUTCOME_ABORTED]));
}

/* Who asks the same again soon after it failed, does so because it failed. */
static bool is_retry(struct use *u, const struct call *c)
{
	uint64_t ended = (uint64_t)use_col_int(u, 2);

	return failed(use_col_text(u, 1)) && str_eq(use_col_text(u, 3), c->usage.provider) &&
	       str_eq(use_col_text(u, 4), c->posting.cgroup) &&
	       ended <= c->usage.start_ns + CLOCK_SLIP_NS && ended + RETRY_NS >= c->usage.start_ns;
}

static int find_repeat(struct db *db, const struct call *c, struct found *f)
{
	_cleanup_(use_end) struct use u = { 0 };
	int r;

	if (c->usage.request_hash.n == 0)
		return 0;
	u = db_use(db, SQL_CALL_REPEAT);
	use_text(&u, c->usage.request_hash);
	r = use_step(&u);
	if (r <= 0)
		return r;
	f->has_repeat = keep_id(&u, 0, f->repeat);
	f->has_retry = f->has_repeat && is_retry(&u, c);
	memcpy(f->retry, f->repeat, CALL_ID);
	return 0;
}

/* ---- the same response ---- */

/* Who saw all of a call was there when anybody saw a part of it. What costs is only joined to what does; what gets its price
 * only after the rest of it was seen and charged, to a rest that was not cheaper. */
static int find_joined(struct db *db, const struct call *c, int64_t self, struct found *f)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_CALL_BILLED);
	uint64_t from_ns = c->usage.start_ns - MIN(c->usage.start_ns, CLOCK_SLIP_NS);
	int r;

	use_int(&u, self);
	use_text(&u, c->usage.response_id);
	use_text(&u, c->usage.provider);
	use_int(&u, c->charge.billing != BILLING_METERED);
	use_int(&u, c->usage.why == WHY_MIDSTREAM);
	use_blob(&u, c->has_epoch ? c->epoch : NULL, sizeof(c->epoch));
	use_int(&u, (int64_t)MIN(c->usage.end_ns + CLOCK_SLIP_NS, (uint64_t)INT64_MAX));
	use_int(&u, (int64_t)from_ns);
	use_int(&u, c->charge.pico);
	r = use_step(&u);
	if (r > 0)
		f->has_joined = keep_id(&u, 0, f->joined);
	return MIN(r, 0);
}

/* The two sides of a gateway on this host: one answer, passed on to another process while it came, under another address.
 * A server that repeats its ids is under one address. Who asks says what the address is, and may have made the answer up: so
 * what may be a provider's own answer, since it came over TLS, is only paid by a side that was not cheaper. Of the same
 * price, whoever is booked first pays. */
static int find_leg(struct db *db, const struct call *c, int64_t self, struct found *f)
{
	_cleanup_(use_end) struct use u = { 0 };
	int r;

	if (c->usage.host.n == 0 || (!c->plain && c->charge.billing == BILLING_UNPRICED))
		return 0;
	u = db_use(db, SQL_CALL_LEG);
	use_int(&u, self);
	use_text(&u, c->usage.response_id);
	use_text(&u, c->usage.provider);
	use_blob(&u, c->epoch, sizeof(c->epoch));
	use_text(&u, c->usage.host);
	use_pid(&u, c);
	use_int(&u, (int64_t)c->usage.end_ns);
	use_int(&u, (int64_t)c->usage.start_ns);
	use_int(&u, c->plain ? 0 : c->charge.pico);
	r = use_step(&u);
	if (r > 0)
		f->has_joined = keep_id(&u, 0, f->joined);
	return MIN(r, 0);
}

static bool costs(struct str billing, int64_t pico)
{
	return str_eq(billing, str_of(names_billing[BILLING_METERED])) && pico > 0;
}

/* A gateway that the operator has marked as one calls on behalf of those who ask it over plain HTTP. Nobody else's calls
 * are ever another's to pay. Of several callers with this answer the one that asked last stands next to the gateway. What
 * the provider's side costs is what is charged, but where that is not known and the caller's side has a price. */
static int find_hop(struct db *db, const struct call *c, int64_t self, struct found *f)
{
	bool ours = !c->plain, priced = c->charge.billing == BILLING_METERED;
	_cleanup_(use_end) struct use u = { 0 };
	int64_t pico;
	int r;

	if (ours != c->posting.gateway)
		return 0;
	u = db_use(db, ours ? SQL_CALL_CALLER : SQL_CALL_GATEWAY);
	use_int(&u, self);
	use_text(&u, c->usage.response_id);
	use_blob(&u, c->epoch, sizeof(c->epoch));
	use_pid(&u, c);
	use_int(&u, (int64_t)c->usage.end_ns);
	use_int(&u, (int64_t)c->usage.start_ns);
	r = use_step(&u);
	if (r <= 0)
		return r;
	pico = use_col_int(&u, 3);
	if (ours && !priced && costs(use_col_text(&u, 2), pico))
		return 0;
	if (!ours && priced && c->charge.pico > 0 &&
	    !str_eq(use_col_text(&u, 2), str_of(names_billing[BILLING_METERED])))
		return 0;
	*(ours ? &f->caller : &f->provider) = use_col_int(&u, 0);
	if (!ours)
		f->has_joined = keep_id(&u, 1, f->joined);
	return 0;
}

/* ---- usage that another exchange tells ---- */

/* The answer to a call that was queued. It is billed to who made the call, the first time it is told; when it is told again,
 * only what then is more: the first may have been made up by who fetched it. */
static int find_made(struct db *db, const struct call *c, struct found *f)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_CALL_MADE);
	bool queued, first, unpriced, more;
	int r;

	use_text(&u, c->usage.response_id);
	use_text(&u, c->usage.provider);
	r = c->usage.response_id.n ? use_step(&u) : 0;
	f->not_created = r == 0;
	if (r <= 0)
		return r;
	f->has_joined = keep_id(&u, 1, f->joined);
	queued = str_eq(use_col_text(&u, 2), str_of(names_billing[BILLING_UNPRICED])) &&
		 str_ieq(use_col_text(&u, 3), str_of(names_why[WHY_BACKGROUND]));
	first = use_col_int(&u, 4) == 0;
	unpriced = str_eq(use_col_text(&u, 5), str_of(names_billing[BILLING_UNPRICED]));
	more = c->charge.billing == BILLING_METERED && !str_eq(use_col_text(&u, 6), c->used) &&
	       c->charge.pico > use_col_int(&u, 7);
	if (queued && c->usage.source != SOURCE_NONE &&
	    (first || (unpriced ? c->charge.billing != BILLING_UNPRICED : more)))
		f->creation = use_col_int(&u, 0);
	return 0;
}

/* The results of a batch may be downloaded as often as one likes. The same id with other numbers is not the same result. */
static int find_result(struct db *db, const struct call *c, struct found *f)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_CALL_RESULT);
	int r;

	use_text(&u, c->usage.response_id);
	use_text(&u, c->usage.provider);
	use_text(&u, c->used);
	use_text(&u, c->usage.model_served);
	r = use_step(&u);
	if (r > 0)
		f->has_joined = keep_id(&u, 0, f->joined);
	return MIN(r, 0);
}

static int find_other(struct db *db, const struct call *c, int64_t self, struct found *f)
{
	int r = find_joined(db, c, self, f);

	if (r == 0 && !f->has_joined && c->has_epoch)
		r = find_hop(db, c, self, f);
	if (r == 0 && !f->has_joined && !f->caller && c->has_epoch)
		r = find_leg(db, c, self, f);
	return r;
}

int find_twin(struct db *db, const struct call *c, int64_t self, struct found *ret)
{
	struct found f = { 0 };
	int r = 0;

	if (c->usage.kind == KIND_INFERENCE && !c->usage.later && c->usage.response_id.n)
		r = find_other(db, c, self, &f);
	if (r == 0)
		*ret = f;
	return r;
}

int find_call(struct db *db, const struct call *c, struct found *ret)
{
	struct found f = { 0 };
	int r = find_repeat(db, c, &f);

	if (r == 0 && c->usage.kind == KIND_INFERENCE && c->usage.later == LATER_FETCHED)
		r = find_made(db, c, &f);
	else if (r == 0 && c->usage.kind == KIND_INFERENCE && c->usage.response_id.n)
		r = c->usage.later ? find_result(db, c, &f) : find_other(db, c, 0, &f);
	if (r == 0)
		*ret = f;
	return r;
}

/* ---- who asked for what is told later ---- */

/* Texts of a row, from column `at` on, that stay. */
static int keep_texts(struct use *u, int at, struct arena *a, struct str *const *to, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = arena_str(a, use_col_text(u, at + (int)i), to[i]);
	return r;
}

int find_creation(struct db *db, struct usage *u, struct arena *a, struct creation *ret)
{
	_cleanup_(use_end) struct use made = db_use(db, SQL_CALL_MADE);
	struct creation c = { .found = true };
	struct usage told = *u;
	struct str *const texts[] = { &told.host, &told.credential, &told.model_requested,
				      &told.region, &c.contract };
	int r;

	use_text(&made, u->response_id);
	use_text(&made, u->provider);
	r = u->response_id.n ? use_step(&made) : 0;
	if (r > 0)
		r = keep_texts(&made, 10, a, texts, COUNT_OF(texts)) < 0 ? -ENOMEM : 1;
	if (r <= 0)
		return r;
	told.start_ns = (uint64_t)use_col_int(&made, 8);
	told.end_ns = (uint64_t)use_col_int(&made, 9);
	if (!told.region.n)
		told.region = u->region;
	/* a plan pays where it was asked, not where somebody says that it was */
	if (told.billing == BILLING_SUBSCRIPTION && !str_eq(told.host, u->host))
		told.billing = BILLING_METERED;
	if (str_eq(use_col_text(&made, 5), str_of(names_billing[BILLING_METERED])))
		c.charged = (struct total){ use_col_int(&made, 7), use_col_int(&made, 15) };
	*u = told;
	*ret = c;
	return 0;
}
