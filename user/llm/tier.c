/* tier.c -- at which service tier a call was served: what the answer says counts; where it says nothing, what was asked for
 * is the best that is known, and the call is flagged. */
#include "llm/xchg.h"

int xchg_head_tier(struct xchg *x, const struct part *in, struct str *ret)
{
	struct str latency = str_trim(in->header[HDR_BEDROCK_LATENCY]);
	int r = xchg_note(x, latency, ret);

	if (r == 0)
		r = xchg_note(x, str_trim(in->header[HDR_BEDROCK_TIER]), ret);
	return r < 0 || str_eq(latency, S("standard")) ? r : xchg_note(x, latency, ret);
}

/* One tier under four names (Groq: on_demand). */
static bool is_usual(struct str tier)
{
	return str_ieq(tier, S("default")) || str_ieq(tier, S("standard")) ||
	       str_ieq(tier, S("standard_only")) || str_ieq(tier, S("on_demand"));
}

/* "auto" is what is asked for, whoever says it: which tier that comes to, the end of an answer tells. */
static struct str told(struct str tier)
{
	return str_ieq(tier, S("auto")) ? STR_NONE : tier;
}

/* What was never sent tells the provider nothing either. */
static enum why lost(const struct xchg *x)
{
	if (x->tier_asked.n)
		return WHY_NONE;
	if (x->unclear)
		return x->unclear;
	return x->cut[DIR_OUT] == WHY_ABORTED ? WHY_NONE : x->cut[DIR_OUT];
}

int xchg_tier(struct xchg *x, const char *counted)
{
	struct str tier = told(str_of(counted)), asked = x->tier_asked;
	bool early = !tier.n && x->u.stream && !x->final && x->format && x->format->last;

	if (!tier.n)
		tier = told(x->tier);
	x->tier_told = tier.n && !early;
	x->tier_lost = tier.n ? WHY_NONE : lost(x);
	x->u.flags &= ~(1u << FLAG_TIER);
	if (!tier.n && (x->tier.n || (asked.n && !is_usual(asked))))
		x->u.flags |= 1u << FLAG_TIER;
	/* a batch is where a request is sent to: no word in it makes it one */
	if (!tier.n && !str_ieq(asked, S("batch")))
		tier = told(asked);
	x->u.tier = STR_NONE;
	return xchg_keep_lower(x, !tier.n || is_usual(tier) ? S("standard") : tier, &x->u.tier);
}

/* What is lost to us may have told it. Who does not wait for an answer is served as he asked. */
static bool is_lost(enum why why)
{
	return why && why != WHY_ABORTED;
}

void xchg_tier_guessed(struct xchg *x, const struct part *end)
{
	bool hurt = is_lost(x->stale) || is_lost(x->cut[DIR_IN]) || is_lost(end->why);

	/* what the first event says is what was asked for */
	if (x->tier_lost || (!x->tier_told && (hurt || !is_usual(x->u.tier))))
		x->u.flags |= 1u << FLAG_TIER;
}
