/* contract.h -- section `contracts` of a book: what was agreed with a provider, in place of the list price. For
 * user/price only.
 *
 * A call has at most one contract. Its rules change the rate of each line, one after the other in the order in which they
 * are written; the line is rounded once, after the last. */
#ifndef PRICE_CONTRACT_H
#define PRICE_CONTRACT_H

#include "price/load.h"

/* What tells one contract from another; a later member says more than all before it. */
enum account { ACCOUNT_PROVIDER, ACCOUNT_HOST, ACCOUNT_CREDENTIAL, ACCOUNT_COUNT };

enum rule_kind { RULE_PERCENT, RULE_OVERRIDE, RULE_VOLUME, RULE_COMMIT, RULE_PTU, RULE_MARKUP };
enum rule_on { ON_ALL, ON_TOKENS, ON_COUNTS };
enum rule_meter { METER_NET, METER_LIST }; /* what counts: as charged, at list price */
enum rule_period { PERIOD_MONTH, PERIOD_CONTRACT, PERIOD_COUNT }; /* since when */

struct step { /* up to that sum, not with it */
	__int128 upto;
	struct ratio mul;
	struct step *next;
};

struct rule {
	enum rule_kind kind;
	unsigned on, meter, period; /* the enums above */
	struct word *models;        /* ids of the book's models; NULL: every one */
	struct str tier, band;      /* OVERRIDE: absent: every one */
	struct rates rates;         /* OVERRIDE */
	struct ratio mul;           /* PERCENT, MARKUP */
	struct step *steps;         /* VOLUME; the last has no end */
	__int128 amount;            /* COMMIT: pico-dollars */
	bool back;                  /* COMMIT: beyond it the list price holds again */
	struct rule *next;
};

struct contract {
	struct str id;
	struct word *account[ACCOUNT_COUNT];
	uint64_t from_ns, until_ns;
	struct rule *rules;
	bool needs_sums;
	unsigned line;
	struct contract *next;
};

int contract_load(struct book *b, const struct load *l, const struct yaml_node *root) _must_use_;
/* The contract of a call, by its start, or NULL. */
const struct contract *contract_find(const struct book *b, const struct usage *u);
/* The period that holds that time. */
void contract_period(const struct contract *c, enum rule_period period, uint64_t at_ns,
		     uint64_t *ret_from, uint64_t *ret_until);

/* What a rule may ask about a line, besides its rate. */
struct deal {
	const struct contract *contract; /* NULL: none, and nothing changes */
	struct str model, tier, band;    /* of the entry */
	struct price_sums sums[PERIOD_COUNT];
};
/* The agreed rate of a leaf that is listed at the rate of `as`: an agreement about that one holds for it, too. -ERANGE */
int contract_rate(const struct deal *d, enum leaf leaf, enum leaf as, struct rate list,
		  struct rate *ret) _must_use_;

#endif
