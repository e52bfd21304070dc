#include "price/gate.h"

enum { MTOK = 1000000 };
#define GATE_DEFAULT "1000"

static bool is_more(struct rate a, struct rate b)
{
	return (unsigned __int128)a.pico * b.per > (unsigned __int128)b.pico * a.per;
}

int gate_load(struct load *l, const struct yaml_node *root)
{
	static const char *const keys[] = { "max_usd_per_Mtok", "cache_read_le_input", NULL };
	const struct yaml_node *at = yaml_get(root, "gates"),
			       *most = yaml_get(at, "max_usd_per_Mtok");
	int r = at ? load_only(l, at, keys) : 0;

	if (r < 0)
		return r;
	if (dec_rate(most ? most->text : S(GATE_DEFAULT), MTOK, &l->gates.most) < 0)
		return yaml_wrong(l->error, l->name, most,
				  "'max_usd_per_Mtok' is dollars, as 1000");
	return load_bool(l, at, "cache_read_le_input", true, &l->gates.cache_le_input);
}

int gate_rate(const struct load *l, const struct yaml_node *at, int leaf, struct rate r)
{
	if (leaf >= LEAF_N_WEB_SEARCH || !is_more(r, l->gates.most))
		return 0;
	return yaml_wrong(l->error, l->name, at,
			  "'" STR_FMT "' is absurd for a token; if it is true, raise "
			  "'gates: {max_usd_per_Mtok: ...}' of this file (" GATE_DEFAULT
			  " by default)",
			  STR_ARG(at->text));
}

int gate_rates(const struct load *l, const struct yaml_node *at, const struct rates *r)
{
	const uint64_t both = 1ull << LEAF_IN_TEXT | 1ull << LEAF_IN_CACHE_READ;

	if (!l->gates.cache_le_input || (r->has & both) != both ||
	    !is_more(r->rate[LEAF_IN_CACHE_READ], r->rate[LEAF_IN_TEXT]))
		return 0;
	return yaml_wrong(l->error, l->name, at,
			  "a cached token costs more than a fresh one; if it is true, say "
			  "'gates: {cache_read_le_input: false}' in this file");
}
