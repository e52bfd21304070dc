/* case_check.c -- what a play of a case gave, held against what its author expects and against the play that was whole. */
#include <inttypes.h>
#include <stdio.h>
#include "base/names.h"
#include "case.h"
#include "make.h"

static const char *const leaf_names[] = {
#define LEAF(name, text, words) text,
#include "tbl/leaf.h"
#undef LEAF
};
static const char *const why_names[] = {
	"NONE",
#define WHY(name, words) #name,
#include "tbl/why.h"
#undef WHY
};
static const char *const skip_names[] = {
#define SKIP(name, text, words) text,
#include "tbl/skip.h"
#undef SKIP
};
static const char *const counter_names[] = {
#define COUNTER(name, text, words) text,
#include "tbl/counter.h"
#undef COUNTER
};
static const char *const limit_names[] = {
#define LIMIT(name, value, unit, words) #name,
#include "tbl/limit.h"
#undef LIMIT
};
#define KIND(name, text) text,
static const char *const kind_names[] = {
#include "tbl/kind.h"
};
#undef KIND
#define OUTCOME(name, text) text,
static const char *const outcome_names[] = {
#include "tbl/kind.h"
};
#undef OUTCOME
#define SOURCE(name, text) text,
static const char *const source_names[] = {
#include "tbl/kind.h"
};
#undef SOURCE
#define BILLING(name, text) text,
static const char *const billing_names[] = {
#include "tbl/kind.h"
};
#undef BILLING

/* ---- a call as text -------------------------------------------------------------------------------------- */

static void say_leaves(struct buf *to, const struct leaves *l)
{
	for (int i = 0; i < LEAF_COUNT; i++)
		if (leaf_has(l, i))
			make_printf(to, " %s=%" PRIu64, leaf_names[i], l->n[i]);
}

static const char *model_of(const struct case_seen *s)
{
	return s->served[0] ? s->served : s->asked[0] ? s->asked : "-";
}

static void say(struct buf *to, const struct case_seen *s)
{
	make_printf(to, "#   usage %s %s", s->provider, model_of(s));
	say_leaves(to, &s->used);
	make_printf(to,
		    "\n#   call kind=%s outcome=%s source=%s why=%s billing=%s stream=%d status=%d "
		    "id=%s off=%" PRIx64 "\n#   charge pico=%" PRId64 " low=%" PRId64
		    " high=%" PRId64 "\n",
		    kind_names[s->kind], outcome_names[s->outcome], source_names[s->source],
		    why_names[s->why], billing_names[s->billing], s->stream, s->status, s->id,
		    s->off, s->pico, s->low_pico, s->high_pico);
}

void case_say(const struct case_run *run, struct buf *to)
{
	for (size_t i = 0; i < run->count; i++)
		say(to, &run->seen[i]);
	for (int i = 0; i < SKIP_COUNT; i++)
		if (run->skipped[i])
			make_printf(to, "#   skipped %s=%" PRIu64 "\n", skip_names[i],
				    run->skipped[i]);
	for (int i = 0; i < CNT_COUNT; i++)
		if (run->counters.n[i])
			make_printf(to, "#   count %s == %" PRIu64 "\n", counter_names[i],
				    run->counters.n[i]);
	for (int i = 0; i < LIM_COUNT; i++)
		if (run->counters.limit[i])
			make_printf(to, "#   limit %s == %" PRIu64 "\n", limit_names[i],
				    run->counters.limit[i]);
}

/* ---- what the author expects ------------------------------------------------------------------------------- */

/* "model_mismatch,parent_rate"; "none" */
static void say_flags(unsigned set, char *to, size_t size)
{
	size_t n = 0;

	to[0] = 0;
	for (int i = 0; i < FLAG_COUNT; i++)
		if (set >> i & 1 && n < size)
			n += (size_t)snprintf(to + n, size - n, "%s%s", n ? "," : "",
					      names_flag[i]);
	if (!set)
		snprintf(to, size, "none");
}

static const char *seen_value(const struct case_seen *s, struct str key, char room[24])
{
	static const char *const later[] = { "no", "fetched", "result" };
	static char flags[256];
	const struct {
		const char *key, *value;
	} texts[] = { { "kind", kind_names[s->kind] },
		      { "outcome", outcome_names[s->outcome] },
		      { "source", source_names[s->source] },
		      { "billing", billing_names[s->billing] },
		      { "why", why_names[s->why] },
		      { "stream", s->stream ? "yes" : "no" },
		      { "host", s->host },
		      { "operation", s->operation },
		      { "asked", s->asked },
		      { "served", s->served },
		      { "id", s->id },
		      { "request_id", s->request_id },
		      { "tier", s->tier },
		      { "region", s->region },
		      { "session", s->session },
		      { "cgroup", s->cgroup },
		      { "entry", s->entry },
		      { "match", s->match },
		      { "contract", s->contract },
		      { "reported", s->reported },
		      { "later", later[s->later] },
		      { "flags", flags },
		      { "raw", s->raw } };

	say_flags(s->flags, flags, sizeof(flags));
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (str_eq(key, str_of(texts[i].key)))
			return texts[i].value;
	snprintf(room, 24, "%d", str_eq(key, S("retry")) ? s->retry : s->status);
	return str_eq(key, S("retry")) || str_eq(key, S("status")) ? room : NULL;
}

static void expect_value(const struct case_file *c, const struct case_call *call,
			 const struct case_seen *s, struct case_pair want, struct buf *why)
{
	char room[24];
	const char *got = seen_value(s, want.key, room);

	if (!got)
		case_die(c, call->line, "expect call '" STR_FMT "'", STR_ARG(want.key));
	if (!str_ieq(want.value, str_of(got)))
		make_printf(why, "# line %u: " STR_FMT "=" STR_FMT " expected, got %s\n",
			    call->line, STR_ARG(want.key), STR_ARG(want.value), got);
}

static void expect_number(const struct case_call *call, const char *what, int64_t want, int64_t got,
			  struct buf *why)
{
	if (want != got)
		make_printf(why, "# line %u: %s=%" PRId64 " expected, got %" PRId64 "\n",
			    call->line, what, want, got);
}

static void expect_call(const struct case_file *c, const struct case_call *call,
			const struct case_seen *s, struct buf *why)
{
	const struct case_pair always[] = { { S("kind"), S("inference") },
					    { S("outcome"), S("ok") },
					    { S("source"), S("reported") },
					    { S("why"), S("none") },
					    { S("stream"), S("no") },
					    { S("status"), S("200") },
					    { S("billing"),
					      call->charged ? S("metered") : S("unpriced") } };

	for (size_t i = 0; i < COUNT_OF(always); i++) {
		bool told = false;

		for (size_t n = 0; n < call->count; n++)
			told |= str_eq(call->is[n].key, always[i].key);
		if (!told)
			expect_value(c, call, s, always[i], why);
	}
	for (size_t n = 0; n < call->count; n++)
		expect_value(c, call, s, call->is[n], why);
	if (!str_eq(call->provider, str_of(s->provider)) ||
	    !str_eq(call->model, str_of(model_of(s))))
		make_printf(why, "# line %u: provider or model\n", call->line);
	if (memcmp(&call->used, &s->used, sizeof(call->used)) != 0)
		make_printf(why, "# line %u: units\n", call->line);
	expect_number(call, "pico", call->pico, s->pico, why);
	expect_number(call, "low", call->low_pico, s->low_pico, why);
	expect_number(call, "high", call->high_pico, s->high_pico, why);
}

/* "skipped server", 12 or "*"; what nobody expects is 0 */
static void expect_other(const struct case_file *c, const char *what, const char *name,
			 uint64_t got, struct buf *why)
{
	for (size_t i = 0; i < c->others; i++) {
		struct str key = c->other[i].key, value = c->other[i].value, head;
		uint64_t want = 0;

		if (!str_cut(&key, &head, ' ') || !str_eq(head, str_of(what)) ||
		    !str_ieq(str_trim(key), str_of(name)))
			continue;
		if (str_u64(value, &want) < 0 && !str_eq(value, S("*")))
			case_die(c, 0, "'" STR_FMT "' is no number", STR_ARG(value));
		if (str_eq(value, S("*")) ? !got : want != got)
			make_printf(why, "# %s %s: " STR_FMT " expected, got %" PRIu64 "\n", what,
				    name, STR_ARG(value), got);
		return;
	}
	if (got)
		make_printf(why, "# %s %s == %" PRIu64 " is not expected\n", what, name, got);
}

static bool silent(int counter) /* counts what always happens */
{
	return counter == CNT_CONNS || counter == CNT_CALLS || counter == CNT_LIMIT_HIT;
}

/* A name that nothing has would be an expectation that nothing fails. */
static bool named(const char *const *names, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_ieq(name, str_of(names[i])))
			return true;
	return false;
}

static void expect_names(const struct case_file *c)
{
	for (size_t i = 0; i < c->others; i++) {
		struct str name = c->other[i].key, what = STR_NONE;
		bool ok;

		str_cut(&name, &what, ' ');
		name = str_trim(name);
		ok = str_eq(what, S("skipped")) ? named(skip_names, SKIP_COUNT, name)
		     : str_eq(what, S("count")) ? named(counter_names, CNT_COUNT, name)
						: named(limit_names, LIM_COUNT, name);
		if (!ok)
			case_die(c, 0, "nothing is called '" STR_FMT "'", STR_ARG(name));
	}
}

bool case_expected(const struct case_file *c, const struct case_run *run, struct buf *why)
{
	size_t before = why->n;
	uint64_t limits = 0;

	expect_names(c);
	if (run->first_r < 0)
		make_printf(why, "# the pipeline returned %d\n", run->first_r);
	if (run->count != c->calls)
		make_printf(why, "# %zu calls expected, got %zu\n", c->calls, run->count);
	for (size_t i = 0; i < MIN(run->count, c->calls); i++)
		expect_call(c, &c->call[i], &run->seen[i], why);
	for (int i = 0; i < SKIP_COUNT; i++)
		expect_other(c, "skipped", skip_names[i], run->skipped[i], why);
	for (int i = 0; i < CNT_COUNT; i++)
		if (!silent(i))
			expect_other(c, "count", counter_names[i], run->counters.n[i], why);
	for (int i = 0; i < LIM_COUNT; i++) {
		expect_other(c, "limit", limit_names[i], run->counters.limit[i], why);
		limits += run->counters.limit[i];
	}
	if (limits != run->counters.n[CNT_LIMIT_HIT])
		make_printf(why, "# limit_hit is not the sum of the limits\n");
	if (why->n == before)
		return true;
	make_printf(why, "# got:\n");
	case_say(run, why);
	return false;
}

/* ---- what holds however it was played ------------------------------------------------------------------------ */

bool case_books(const struct case_run *run, struct buf *why)
{
	size_t before = why->n;
	uint64_t skipped = 0;

	if (!run->started)
		return true;
	for (int i = 0; i < SKIP_COUNT; i++)
		skipped += run->skipped[i];
	if (run->delivered != run->parsed + skipped)
		make_printf(why,
			    "# %" PRIu64 " bytes delivered, %" PRIu64 " parsed, %" PRIu64
			    " skipped\n",
			    run->delivered, run->parsed, skipped);
	if (!run->failed && !run->holes_unsure && run->holes != run->counters.n[CNT_GAP_BYTES])
		make_printf(why, "# %" PRIu64 " bytes lost, %" PRIu64 " counted\n", run->holes,
			    run->counters.n[CNT_GAP_BYTES]);
	if (run->open || run->counters.n[CNT_CALLS_OPEN] || run->counters.n[CNT_CONNS_OPEN])
		make_printf(why, "# calls or connections are still open\n");
	return why->n == before;
}

/* For the same reasons. How many bytes does depend on the cuts: what is left of a piece is skipped with it. */
static bool same_skips(const struct case_run *a, const struct case_run *b)
{
	for (int i = 0; i < SKIP_COUNT; i++)
		if (!a->skipped[i] != !b->skipped[i])
			return false;
	return true;
}

bool case_same(const struct case_run *whole, const struct case_run *run, struct buf *why)
{
	if (run->first_r == 0 && whole->count == run->count &&
	    memcmp(whole->seen, run->seen, run->count * sizeof(*run->seen)) == 0 &&
	    same_skips(whole, run))
		return true;
	make_printf(why, "# whole:\n");
	case_say(whole, why);
	make_printf(why, "# cut (%d):\n", run->first_r);
	case_say(run, why);
	return false;
}

/* ---- right numbers or a reason ---------------------------------------------------------------------------------- */

static const struct case_seen *twin(const struct case_run *whole, const struct case_seen *s,
				    bool used[CASE_CALLS])
{
	for (int by_id = 0; by_id < 2; by_id++)
		for (size_t i = 0; i < whole->count; i++) {
			const struct case_seen *e = &whole->seen[i];

			if (used[i] || e->gen != s->gen ||
			    (by_id ? !s->id[0] || strcmp(e->id, s->id) != 0 : e->off != s->off))
				continue;
			used[i] = true;
			return e;
		}
	return NULL;
}

static bool no_units(const struct leaves *l)
{
	return l->has == 0;
}

static uint64_t skips(const struct case_run *run)
{
	uint64_t n = 0;

	for (int i = 0; i < SKIP_COUNT; i++)
		n += run->skipped[i];
	return n;
}

static uint64_t unread(const struct case_run *run)
{
	uint64_t n = skips(run);

	for (int i = 0; i < CASE_CONNS; i++)
		n += run->lost[i];
	return n;
}

/* A call may be absent where more was lost of its connection than of the whole, or more was skipped, or memory failed. */
static bool may_miss(const struct case_run *whole, const struct case_run *run,
		     const struct case_seen *e)
{
	return run->lost[e->gen - 1] > whole->lost[e->gen - 1] || skips(run) > skips(whole) ||
	       run->first_r == -ENOMEM;
}

/* A call that the whole does not have. Where the whole itself could not read everything, it may well exist. */
static const char *stranger(const struct case_run *whole, const struct case_seen *s)
{
	bool money = s->pico || s->low_pico || s->high_pico;

	if (s->why == WHY_NONE || (s->source == SOURCE_REPORTED && money))
		return "a call that was not there";
	return money && !unread(whole) ? "money for a call that was not there" : NULL;
}

/* Is the truth within the bounds of an estimate? They are of tokens: what tools cost nobody can guess. */
static bool within(const struct case_seen *e, const struct case_seen *s)
{
	bool tools = e->used.has >> LEAF_N_WEB_SEARCH;

	return e->source != SOURCE_REPORTED || e->billing != BILLING_METERED ||
	       s->billing != BILLING_METERED || tools ||
	       (s->low_pico <= e->pico && e->pico <= s->high_pico);
}

/* An answer alone is read as what it calls itself; what only its provider adds to that is not known. */
static bool other_units(const struct case_seen *e, const struct case_seen *s)
{
	bool alone = s->why == WHY_MIDSTREAM && s->billing == BILLING_UNPRICED;

	for (int i = 0; i < LEAF_COUNT; i++)
		if (s->used.n[i] != e->used.n[i] && !(alone && s->used.n[i] < e->used.n[i]))
			return true;
	return !alone && s->used.has != e->used.has;
}

/* What is claimed to be known must be so. */
static const char *lie(const struct case_seen *e, const struct case_seen *s, bool oversize)
{
	if (s->why == WHY_NONE && e->why != WHY_NONE)
		return "no reason where the whole has one";
	if (s->source != SOURCE_REPORTED && s->why == WHY_NONE)
		return "neither reported nor a reason";
	if (s->source != SOURCE_REPORTED)
		return oversize || within(e, s) ? NULL : "bounds that do not hold the truth";
	if (no_units(&s->used) && s->why != WHY_NONE)
		return NULL;
	if (e->source != SOURCE_REPORTED)
		return s->why == WHY_NONE ? "reported, though the whole is not" : NULL;
	if (other_units(e, s))
		return "other units";
	if (s->billing != BILLING_METERED)
		return s->why == WHY_NONE && e->billing == BILLING_METERED
			       ? "no price and no reason"
			       : NULL;
	if (s->pico != e->pico || s->low_pico != e->low_pico || s->high_pico != e->high_pico)
		return "another price";
	return strcmp(s->provider, e->provider) != 0 || strcmp(s->cgroup, e->cgroup) != 0
		       ? "another provider or payer"
		       : NULL;
}

bool case_honest(const struct case_run *whole, const struct case_run *run, struct buf *why)
{
	bool used[CASE_CALLS] = { false };
	size_t before = why->n;

	for (size_t i = 0; i < run->count; i++) {
		const struct case_seen *e = twin(whole, &run->seen[i], used);
		const char *wrong = e ? lie(e, &run->seen[i], run->c->oversize)
				      : stranger(whole, &run->seen[i]);

		if (!wrong)
			continue;
		make_printf(why, "# %s:\n", wrong);
		say(why, &run->seen[i]);
	}
	for (size_t i = 0; i < whole->count; i++) {
		if (used[i] || may_miss(whole, run, &whole->seen[i]))
			continue;
		make_printf(why, "# not there, and no byte was lost or skipped:\n");
		say(why, &whole->seen[i]);
	}
	if (why->n == before)
		return true;
	make_printf(why, "# whole:\n");
	case_say(whole, why);
	make_printf(why, "# this one:\n");
	case_say(run, why);
	return false;
}
