#include "llm/provider.h"

enum { COST, ONLY, MORE, COUNT };

struct reader {
	const struct llm_cost *rule;
	int64_t pico[COUNT];
	bool told[COUNT];
};

/* Exactly, up to a pico-dollar: floats of providers end in dust that is finer. */
static bool read_dollars(struct str text, uint64_t per, int64_t *ret)
{
	struct rate rate;

	return text.p && dec_rate(text, per, &rate) == 0 && dec_line(1, rate, ret) == 0;
}

bool llm_dollars(struct str text, char ret[static DEC_TEXT])
{
	int64_t pico;

	if (!read_dollars(text, 1, &pico))
		return false;
	(void)dec_text(pico, ret);
	return true;
}

static int read_cost(void *ctx, int id, enum json_type type, struct str text)
{
	struct reader *r = ctx;
	uint64_t per = id == COST && r->rule->per ? r->rule->per : 1;

	if (id == ONLY)
		r->told[ONLY] = type == JSON_TRUE;
	else if (type == JSON_NUMBER || type == JSON_STRING)
		r->told[id] = read_dollars(text, per, &r->pico[id]);
	return 0;
}

int llm_cost(const struct llm_cost *c, struct str raw, char ret[static DEC_TEXT])
{
	struct reader r = { .rule = c };
	struct json_want want[COUNT];
	size_t n = 0;
	int e;

	ret[0] = 0;
	if (!c || !raw.n)
		return 0;
	want[n++] = (struct json_want){ c->path, COST, 0 };
	if (c->only) {
		want[n++] = (struct json_want){ c->only, ONLY, 0 };
		want[n++] = (struct json_want){ c->more, MORE, 0 };
	}
	e = json_scan(raw, want, n, read_cost, &r);
	if (e < 0)
		return e == -ENOMEM ? e : 0;
	if (r.told[COST] && (!r.told[ONLY] || r.told[MORE]))
		(void)dec_text((__int128)r.pico[COST] + (r.told[ONLY] ? r.pico[MORE] : 0), ret);
	return 0;
}
