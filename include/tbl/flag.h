/* What a reader should know of a call that has a price all the same. Each is a warning, shown by `submeter why`.
 * FLAG(NAME, text in records, words for the user) */
FLAG(CACHE_RATE,	"cache_rate_missing",	"cached tokens have no rate of their own and were priced as fresh ones")
FLAG(PARENT_RATE,	"parent_rate",		"a unit without a rate of its own was priced as the one it is part of")
FLAG(MODEL,		"model_mismatch",	"the model that answered is in no price book; priced as the one that was asked for")
FLAG(STANDARD_TIER,	"standard_tier",	"the entry has no rate for the tier that was served and allows the standard one")
FLAG(CACHE_TTL,		"cache_ttl_unknown",	"the provider did not say for how long tokens were cached; priced as 5 minutes")
FLAG(COST_DIFFERS,	"cost_differs",		"the provider states another cost than these lines come to")
