#include "base/json.h"
#include "base/dec.h"
#include "desk/api_call.h"

#define TEAM_TEXT   64 /* bytes with the NUL; as in the message to the meter */
#define REASON_TEXT 256
#define KEY_TEXT    128
#define AMOUNT_TEXT 64

/* ---- handlers: writes, which the meter does ---- */

enum { BODY_TEAM, BODY_AMOUNT, BODY_CURRENCY, BODY_REASON, BODY_COUNT };

struct body { /* of an allocation */
	char team[TEAM_TEXT], amount[AMOUNT_TEXT], currency[8], reason[REASON_TEXT];
	int wrong; /* 1 + the member that is not as it must be; 0 = none */
};

static const struct json_want body_want[BODY_COUNT] = {
	{ "team_id", BODY_TEAM, 0 },
	{ "amount", BODY_AMOUNT, 0 },
	{ "currency", BODY_CURRENCY, 0 },
	{ "description", BODY_REASON, 0 },
};

static int body_member(void *ctx, int id, enum json_type type, struct str text)
{
	struct body *b = ctx;
	const struct {
		char *to;
		size_t room;
	} to[BODY_COUNT] = { { b->team, sizeof(b->team) },
			     { b->amount, sizeof(b->amount) },
			     { b->currency, sizeof(b->currency) },
			     { b->reason, sizeof(b->reason) } };

	/* An amount is taken as it was written: 20000.10 must not become 20000.099999999999. */
	if ((type != JSON_STRING && !(id == BODY_AMOUNT && type == JSON_NUMBER)) || !text.p ||
	    text.n >= to[id].room || memchr(text.p, 0, text.n)) {
		b->wrong = id + 1;
		return 0;
	}
	memcpy(to[id].to, text.p, text.n);
	to[id].to[text.n] = '\0';
	return 0;
}

static int body_read(struct api_call *c, struct body *b, int64_t *ret_pico)
{
	int r = json_scan(c->q->body, body_want, COUNT_OF(body_want), body_member, b);

	if (r < 0)
		return r == -ENOMEM ? r : api_fail(c, -EINVAL, "the body is not JSON");
	if (b->wrong)
		return api_fail(c, -EINVAL, "%s: a text%s, not too long",
				body_want[b->wrong - 1].path,
				b->wrong - 1 == BODY_AMOUNT ? " or number" : "");
	if (!b->team[0])
		return api_fail(c, -EINVAL, "team_id: which team?");
	if (b->currency[0] && strcmp(b->currency, "USD") != 0)
		return api_fail(c, -EINVAL, "currency: only USD");
	r = dec_pico(str_of(b->amount), ret_pico);
	if (r == -EDOM)
		return api_fail(c, -EINVAL, "amount: finer than 0.000000000001");
	if (r == -ERANGE)
		return api_fail(c, -EINVAL, "amount: too large");
	if (r < 0)
		return api_fail(c, -EINVAL, "amount: not a decimal number");
	if (*ret_pico <= 0)
		return api_fail(c, -EINVAL, "amount: must be more than 0");
	return 0;
}

int api_allocate(struct api_call *c)
{
	struct body b = { 0 };
	struct wallet_move m = { .key = c->q->key, .actor = c->q->actor };
	char text[256] = "", amount[DEC_TEXT];
	struct jsonw w;
	int r = body_read(c, &b, &m.pico);

	if (r < 0)
		return r;
	if (m.key.n >= KEY_TEXT)
		return api_fail(c, -EINVAL, "Idempotency-Key: at most %d bytes", KEY_TEXT - 1);
	m.team = str_of(b.team);
	m.reason = str_of(b.reason);
	r = c->ops->allocate(c->ops->ctx, &m, text);
	if (r < 0)
		return text[0] ? api_fail(c, r, "%s", text) : r;
	jsonw_init(&w, &c->r->body);
	jsonw_open(&w, '{');
	jsonw_key_str(&w, "id", str_of(text));
	jsonw_key_str(&w, "team_id", m.team);
	jsonw_key_str(&w, "amount", dec_text(m.pico, amount));
	jsonw_key_str(&w, "currency", S("USD"));
	jsonw_close(&w, '}');
	return jsonw_done(&w);
}
