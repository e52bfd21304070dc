/* agreekit.h -- a book with a contract: three models of two providers at round prices, and a tier that only a fourth has. */
#ifndef TESTS_AGREEKIT_H
#define TESTS_AGREEKIT_H

#include "pricekit.h"

#define MODEL(provider, id)                                                                       \
	"  - {provider: " provider ", id: " id                                                    \
	", prices: [{from: 2026-01-01, rates: {all: {standard: "                                  \
	"{in_text: \"10/Mtok\", out_text: \"30/Mtok\"}, flex: {in_text: \"5/Mtok\"}}}, "          \
	"counts: {n_web_search: \"10/kcall\"}, uplift: [{when: {region: us}, mul: 11/10}], " FROM \
	"}]}\n"
#define BOOK HEAD "models:\n" MODEL("p", "a") MODEL("p", "b") MODEL("q", "a") BATCH
/* a tier that the others lack */
#define BATCH                                                                              \
	"  - {provider: q, id: late, prices: [{from: 2026-01-01, rates: {all: {standard: " \
	"{in_text: \"10/Mtok\"}, batch: {in_text: \"5/Mtok\"}}}, " FROM "}]}\n"
#define DATES "from: 2026-07-01, until: 2027-07-01, "
#define ONE(rules) \
	BOOK "contracts:\n  - {id: c, match: {provider: p}, " DATES "rules: [" rules "]}\n"

/* A million tokens and a hundred searches: 11 dollars at list price. */
static inline struct usage million(const char *provider, const char *model)
{
	struct usage u = call(provider, model);

	leaf_set(&u.used, LEAF_IN_TEXT, 1000000);
	leaf_set(&u.used, LEAF_N_WEB_SEARCH, 100);
	return u;
}

#endif
