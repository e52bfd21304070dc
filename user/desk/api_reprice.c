#include "base/clock.h"
#include "base/dec.h"
#include "base/json.h"
#include "desk/api_call.h"

enum {
	BODY_SINCE,
	BODY_UNTIL,
	BODY_PROVIDER,
	BODY_MODEL,
	BODY_AFTER,
	BODY_CORRECTED,
	BODY_DRY_RUN,
	BODY_COUNT
};

#define TEXT 256 /* bytes with the NUL; as in the message to the meter */

struct body {
	char text[BODY_COUNT][TEXT];
	int wrong; /* 1 + the member that is not as it must be; 0 = none */
};

static const struct json_want body_want[BODY_COUNT] = {
	{ "since", BODY_SINCE, 0 },       { "until", BODY_UNTIL, 0 },
	{ "provider", BODY_PROVIDER, 0 }, { "model", BODY_MODEL, 0 },
	{ "after", BODY_AFTER, 0 },       { "corrected", BODY_CORRECTED, 0 },
	{ "dry_run", BODY_DRY_RUN, 0 },
};

static int body_member(void *ctx, int id, enum json_type type, struct str text)
{
	struct body *b = ctx;
	bool flag = id == BODY_CORRECTED || id == BODY_DRY_RUN;
	bool good = flag               ? type == JSON_TRUE || type == JSON_FALSE
		    : id == BODY_AFTER ? type == JSON_NUMBER
				       : type == JSON_STRING;

	if (!good || (!flag && (!text.p || text.n >= TEXT || memchr(text.p, 0, text.n)))) {
		b->wrong = id + 1;
		return 0;
	}
	if (flag)
		b->text[id][0] = type == JSON_TRUE;
	else
		memcpy(b->text[id], text.p, text.n);
	return 0;
}

static int time_of(struct api_call *c, const char *text, const char *name, uint64_t *ret)
{
	if (!*text || query_time(str_of(text), clock_utc_ns(), ret) == 0)
		return 0;
	return api_fail(c, -EINVAL,
			"%s: not a time: use RFC 3339, a date, unix seconds, or 30m, 12h, 7d",
			name);
}

static struct str some(const char *text)
{
	return *text ? str_of(text) : STR_NONE;
}

static int body_read(struct api_call *c, struct body *b, struct api_reprice *ret)
{
	int r = json_scan(c->q->body, body_want, COUNT_OF(body_want), body_member, b);

	if (r < 0)
		return r == -ENOMEM ? r : api_fail(c, -EINVAL, "the body is not JSON");
	if (b->wrong)
		return api_fail(c, -EINVAL, "%s: not of the kind that it must be",
				body_want[b->wrong - 1].path);
	r = time_of(c, b->text[BODY_SINCE], "since", &ret->since_ns);
	if (r == 0)
		r = time_of(c, b->text[BODY_UNTIL], "until", &ret->until_ns);
	if (r == 0 && b->text[BODY_AFTER][0] &&
	    str_u64(str_of(b->text[BODY_AFTER]), &ret->after_seq) < 0)
		r = api_fail(c, -EINVAL, "after: not a whole number");
	ret->provider = some(b->text[BODY_PROVIDER]);
	ret->model = some(b->text[BODY_MODEL]);
	ret->corrected = b->text[BODY_CORRECTED][0];
	ret->dry_run = b->text[BODY_DRY_RUN][0];
	return r;
}

int api_reprice(struct api_call *c)
{
	struct api_reprice what = { .actor = c->q->actor };
	struct api_repriced got = { 0 };
	char text[DEC_TEXT];
	struct body b = { 0 };
	struct jsonw w;
	int r = body_read(c, &b, &what);

	if (r < 0)
		return r;
	r = c->ops->reprice(c->ops->ctx, &what, &got);
	if (r < 0)
		return got.text[0] ? api_fail(c, r, "%s", got.text) : r;
	jsonw_init(&w, &c->r->body);
	jsonw_open(&w, '{');
	jsonw_key(&w, "dry_run");
	jsonw_bool(&w, what.dry_run);
	jsonw_key_u64(&w, "looked", got.looked);
	jsonw_key_u64(&w, "priced", got.priced);
	jsonw_key_u64(&w, "corrected", got.corrected);
	jsonw_key_u64(&w, "joined", got.joined);
	jsonw_key_u64(&w, "unpriced", got.unpriced);
	jsonw_key_str(&w, "amount_usd", dec_text(got.more, text));
	if (got.next)
		jsonw_key_u64(&w, "next", got.next);
	jsonw_close(&w, '}');
	return jsonw_done(&w);
}
