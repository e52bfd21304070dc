/* What a reader should know of a call that has a price all the same. Each is a warning, shown by `submeter why`.
 * FLAG(NAME, text in records, words for the user) */
FLAG(CACHE_RATE,	"cache_rate_missing",	"cached tokens have no rate of their own and were priced as fresh ones")
FLAG(PARENT_RATE,	"parent_rate",		"a unit without a rate of its own was priced as the one it is part of")
FLAG(MODEL,		"model_mismatch",	"the price is not that of the model that answered: no price book has it, or the operator names another one")
FLAG(STANDARD_TIER,	"standard_tier",	"the entry has no rate for the tier that was served and allows the standard one")
FLAG(CACHE_TTL,		"cache_ttl_unknown",	"the provider did not say for how long tokens were cached; priced as 5 minutes")
FLAG(CREDIT,		"fallback_credit",	"another model had declined first, for which the provider takes something off that it does not tell")
FLAG(COST_DIFFERS,	"cost_differs",		"the provider states another cost than these lines come to")
FLAG(LOOSE_PART,	"part_exceeds_whole",	"a part of the tokens is said to be larger than the whole; at most the whole was counted as that part")
FLAG(TIER,		"tier_asked",		"the answer does not tell at which service tier it was served; priced at the one that was asked for")
FLAG(SEARCH_FEE,	"search_fee",		"the model searches the web for its answers, at a fee that no answer tells: it is not in this price")
FLAG(LONG_SUFFIX,	"suffix_1m",		"the client wrote [1m] behind the model's name; the name is priced without it")
