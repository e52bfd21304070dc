#include "price/contract.h"

enum { MOST_MARKUP = 1000 /* percent */ };

static const char *const accounts[] = { "provider", "host", "credential", NULL };

/* ---- rules ------------------------------------------------------------------------------------------------ */

static int load_steps(const struct load *l, const struct yaml_node *at, struct rule *r)
{
	static const char *const keys[] = { "upto", "percent", NULL };
	const struct yaml_node *list = yaml_get(at, "steps");
	struct step **tail = &r->steps;
	__int128 above = 0;

	if (!list || list->type != YAML_LIST || !list->kids)
		return yaml_wrong(l->error, l->name, at,
				  "'steps' is a list, as {upto: 50000, percent: 5}");
	yaml_each (one, list) {
		const struct yaml_node *upto = yaml_get(one, "upto");
		struct step *s = arena_get(l->arena, sizeof(*s));
		int done = load_only(l, one, keys);

		if (!s)
			return load_no_memory(l);
		if (done == 0 && !upto != !one->next)
			done = yaml_wrong(l->error, l->name, one,
					  "the last step, and only it, has no 'upto'");
		if (done == 0 && upto &&
		    (dec_pico128(upto->text, &s->upto) < 0 || s->upto <= above))
			done = yaml_wrong(l->error, l->name, upto,
					  "'upto' is dollars, and steps go upwards");
		if (done == 0)
			done = load_percent(l, one, "percent", 100, &s->mul);
		if (done < 0)
			return done;
		s->mul.num = s->mul.den - s->mul.num;
		above = s->upto;
		*tail = s;
		tail = &s->next;
	}
	return 0;
}

static int load_sums(const struct load *l, const struct yaml_node *at, struct rule *r)
{
	static const char *const meters[] = { "net", "list", NULL };
	static const char *const periods[] = { "month", "contract", NULL };
	int done = load_choice(l, at, "meter", meters, METER_NET, &r->meter);

	return done < 0 ? done : load_choice(l, at, "period", periods, PERIOD_MONTH, &r->period);
}

static int load_percent_rule(const struct load *l, const struct yaml_node *at, struct rule *r)
{
	int done = load_percent(l, at, "percent", 100, &r->mul);

	r->mul.num = r->mul.den - r->mul.num;
	return done;
}

static int load_markup(const struct load *l, const struct yaml_node *at, struct rule *r)
{
	int done = load_percent(l, at, "percent", MOST_MARKUP, &r->mul);

	r->mul.num += r->mul.den;
	return done;
}

static int load_override(const struct load *l, const struct yaml_node *at, struct rule *r)
{
	int done = load_maybe(l, at, "tier", &r->tier);

	if (done == 0)
		done = load_maybe(l, at, "band", &r->band);
	if (done == 0 && !yaml_get(at, "model"))
		done = yaml_wrong(l->error, l->name, at,
				  "'model' is missing: whose rates these are");
	return done < 0 ? done : load_rates(l, yaml_get(at, "rates"), LOAD_ALL, &r->rates);
}

static int load_volume(const struct load *l, const struct yaml_node *at, struct rule *r)
{
	int done = load_sums(l, at, r);

	return done < 0 ? done : load_steps(l, at, r);
}

static int load_commit(const struct load *l, const struct yaml_node *at, struct rule *r)
{
	static const char *const overage[] = { "contract", "list", NULL };
	const struct yaml_node *amount = yaml_get(at, "amount");
	unsigned which = 0;
	int done = load_sums(l, at, r);

	if (done == 0)
		done = load_choice(l, at, "overage", overage, 0, &which);
	if (done == 0 && (!amount || dec_pico128(amount->text, &r->amount) < 0 || r->amount <= 0))
		done = yaml_wrong(l->error, l->name, amount ? amount : at,
				  "'amount' is dollars, as 600000");
	r->back = which;
	return done;
}

static int load_ptu(const struct load *l, const struct yaml_node *at, struct rule *r)
{
	static const char *const marginal[] = { "free", NULL };
	unsigned which;

	r->mul = (struct ratio){ 0, 1 };
	return load_choice(l, at, "marginal", marginal, 0, &which);
}

typedef int rule_fn(const struct load *l, const struct yaml_node *at, struct rule *r);

#define KEYS(...)                                        \
	{                                                \
		"kind", "on", "model", __VA_ARGS__, NULL \
	}
static const struct {
	const char *kind, *keys[9];
	rule_fn *load;
} kinds[] = {
	[RULE_PERCENT] = { "percent", KEYS("percent"), load_percent_rule },
	[RULE_OVERRIDE] = { "override", KEYS("tier", "band", "rates"), load_override },
	[RULE_VOLUME] = { "volume", KEYS("meter", "period", "steps"), load_volume },
	[RULE_COMMIT] = { "commit", KEYS("meter", "period", "amount", "overage"), load_commit },
	[RULE_PTU] = { "ptu", KEYS("marginal"), load_ptu },
	[RULE_MARKUP] = { "markup", KEYS("percent"), load_markup },
};

/* ---- whose rules they are ----------------------------------------------------------------------------------- */

static bool has_word(const struct word *list, struct str text)
{
	while (list && !str_ieq(list->text, text))
		list = list->next;
	return list;
}

bool contract_reaches(const struct book *b, const struct contract *c, const struct book_model *m)
{
	const struct word *by = c->account[ACCOUNT_PROVIDER];

	if (!by || has_word(by, m->provider))
		return true;
	for (const struct book_provider *p = b->providers; p; p = p->next)
		for (const struct book_fall *f = p->falls; f; f = f->next)
			if (str_eq(f->provider, m->provider) && has_word(by, p->id))
				return true;
	return false;
}

static bool is_called(const struct book_model *m, struct str name)
{
	const struct book_name *n = m->aliases;

	while (n && !str_ieq(n->text, name))
		n = n->next;
	return n || str_ieq(m->id, name);
}

static int choose_models(const struct book *b, const struct load *l, const struct yaml_node *at,
			 const struct contract *c, struct rule *r)
{
	struct chosen **tail = &r->models;
	struct word *words;
	int done = load_words(l, at, &words);

	for (const struct word *w = words; done == 0 && w; w = w->next) {
		struct chosen **old = tail;

		for (const struct book_model *m = b->first; m; m = m->next) {
			if (!is_called(m, w->text) || !contract_reaches(b, c, m))
				continue;
			*tail = arena_get(l->arena, sizeof(**tail));
			if (!*tail)
				return load_no_memory(l);
			(*tail)->model = m;
			tail = &(*tail)->next;
		}
		if (tail == old)
			done = yaml_wrong(
				l->error, l->name, at,
				"'" STR_FMT
				"' is no id or alias of an entry that this contract's calls "
				"can have, in this file or one before it (submeter price list "
				"shows them)",
				STR_ARG(w->text));
	}
	return done;
}

/* A tier that a model lacks may be agreed, but not one that nobody has. */
static bool knows_tier(const struct book *b, struct str name)
{
	for (const struct book_model *m = b->first; m; m = m->next)
		for (const struct book_price *p = m->prices; p; p = p->next)
			for (size_t i = 0; i < p->bands; i++)
				for (const struct book_tier *t = p->band[i].tiers; t; t = t->next)
					if (str_eq(t->name, name))
						return true;
	return false;
}

static bool knows_band(const struct rule *r)
{
	for (const struct chosen *one = r->models; one; one = one->next)
		for (const struct book_price *p = one->model->prices; p; p = p->next)
			for (size_t i = 0; i < p->bands; i++)
				if (str_eq(p->band[i].name, r->band))
					return true;
	return false;
}

/* A rule that could never hold is a mistake, not a rule. */
static int check_rule(const struct book *b, const struct load *l, const struct yaml_node *at,
		      const struct rule *r)
{
	if (r->tier.n && !knows_tier(b, r->tier))
		return yaml_wrong(l->error, l->name, yaml_get(at, "tier"),
				  "no price has a tier '" STR_FMT "'", STR_ARG(r->tier));
	if (r->band.n && !knows_band(r))
		return yaml_wrong(l->error, l->name, yaml_get(at, "band"),
				  "no price of that model has a band '" STR_FMT "'",
				  STR_ARG(r->band));
	return 0;
}

static int load_rule(const struct book *b, const struct load *l, const struct yaml_node *at,
		     struct contract *c, struct rule *r)
{
	static const char *const on[] = { "all", "tokens", "counts", NULL };
	const struct yaml_node *kind = yaml_get(at, "kind"), *team = yaml_get(at, "team");
	size_t i = 0;
	int done;

	while (i < COUNT_OF(kinds) && !(kind && str_eq(kind->text, str_of(kinds[i].kind))))
		i++;
	if (i == COUNT_OF(kinds))
		return yaml_wrong(l->error, l->name, at,
				  "'kind' is percent, override, volume, commit, ptu or markup");
	if (team)
		return yaml_wrong(l->error, l->name, team,
				  "a price is found before its team is known; match the team's "
				  "credential or host instead");
	r->kind = (enum rule_kind)i;
	done = load_only(l, at, kinds[i].keys);
	if (done == 0)
		done = load_choice(l, at, "on", on, ON_ALL, &r->on);
	if (r->kind == RULE_VOLUME || r->kind == RULE_COMMIT)
		c->needs_sums = true;
	if (done == 0)
		done = kinds[i].load(l, at, r);
	if (done == 0)
		done = choose_models(b, l, yaml_get(at, "model"), c, r);
	return done < 0 ? done : check_rule(b, l, at, r);
}

static int load_rules(const struct book *b, const struct load *l, const struct yaml_node *at,
		      struct contract *c)
{
	const struct yaml_node *list = yaml_get(at, "rules");
	struct rule **tail = &c->rules;

	if (!list || list->type != YAML_LIST || !list->kids)
		return yaml_wrong(l->error, l->name, at, "'rules' is a list of what was agreed");
	yaml_each (one, list) {
		int r;

		*tail = arena_get(l->arena, sizeof(**tail));
		if (!*tail)
			return load_no_memory(l);
		r = load_rule(b, l, one, c, *tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
	}
	return 0;
}

/* ---- contracts ----------------------------------------------------------------------------------------------- */

/* One call could be under both, and nothing says which. */
static bool collide(const struct contract *a, const struct contract *b)
{
	if (a->from_ns >= b->until_ns || b->from_ns >= a->until_ns)
		return false;
	for (int i = 0; i < ACCOUNT_COUNT; i++) {
		bool common = !a->account[i] && !b->account[i];

		for (const struct word *w = a->account[i]; w && !common; w = w->next)
			common = has_word(b->account[i], w->text);
		if (!common)
			return false;
	}
	return true;
}

static int check_contract(const struct book *b, const struct load *l, const struct yaml_node *at,
			  const struct contract *c)
{
	for (const struct contract *o = b->contracts; o; o = o->next) {
		bool same_id = str_eq(o->id, c->id) && o->from_ns < c->until_ns &&
			       c->from_ns < o->until_ns;

		if (same_id || collide(o, c))
			return yaml_wrong(l->error, l->name, at,
					  "holds at the same time, for the same calls or under the "
					  "same id, as contract '" STR_FMT "' of line %u",
					  STR_ARG(o->id), o->line);
	}
	return 0;
}

/* A provider without prices, by whatever way, is a mistake, too. */
static int check_providers(const struct book *b, const struct load *l, const struct yaml_node *at,
			   const struct contract *c)
{
	for (const struct word *w = c->account[ACCOUNT_PROVIDER]; w; w = w->next) {
		struct word only = { .text = w->text };
		const struct contract one = { .account = { [ACCOUNT_PROVIDER] = &only } };
		const struct book_model *m = b->first;

		while (m && !contract_reaches(b, &one, m))
			m = m->next;
		if (!m)
			return yaml_wrong(l->error, l->name, at,
					  "no entry has a price for provider '" STR_FMT
					  "', in this file or one before it",
					  STR_ARG(w->text));
	}
	return 0;
}

static int load_contract(struct book *b, const struct load *l, const struct yaml_node *at,
			 struct contract *c)
{
	static const char *const keys[] = { "id", "match", "from", "until", "rules", "note", NULL };
	const struct yaml_node *match = yaml_get(at, "match");
	int r = load_only(l, at, keys);

	c->file = l->file;
	c->line = at->line;
	if (r == 0)
		r = load_text(l, at, "id", &c->id);
	if (r == 0)
		r = load_dates(l, at, &c->from_ns, &c->until_ns);
	if (r == 0 && (!match || !match->kids))
		r = yaml_wrong(l->error, l->name, at,
			       "'match' is missing: {provider: ..., host: ..., credential: ...}");
	if (r == 0)
		r = load_only(l, match, accounts);
	for (int i = 0; r == 0 && i < ACCOUNT_COUNT; i++)
		r = load_words(l, yaml_get(match, accounts[i]), &c->account[i]);
	if (r == 0)
		r = load_rules(b, l, at, c);
	if (r == 0)
		r = check_contract(b, l, at, c);
	return r < 0 ? r : check_providers(b, l, match, c);
}

int contract_load(struct book *b, const struct load *l, const struct yaml_node *root)
{
	const struct yaml_node *list = yaml_get(root, "contracts");

	if (list && list->type != YAML_LIST)
		return yaml_wrong(l->error, l->name, list, "'contracts' is a list");
	yaml_each (one, list) {
		struct contract *c = arena_get(l->arena, sizeof(*c));
		int r = c ? load_contract(b, l, one, c) : load_no_memory(l);

		if (r < 0)
			return r;
		c->next = b->contracts;
		b->contracts = c;
	}
	return 0;
}
