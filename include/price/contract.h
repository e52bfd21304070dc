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

struct chosen {
	const struct book_model *model;
	struct chosen *next;
};

struct rule {
	enum rule_kind kind;
	unsigned on, meter, period; /* the enums above */
	struct chosen *models;      /* NULL: every one */
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
	struct str file; /* where it is written */
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
	const struct book_model *model;
	struct str tier, band;
	struct price_sums sums[PERIOD_COUNT];
};

struct term { /* what a unit costs, on its way through the rules */
	enum leaf leaf;
	uint64_t listed; /* 1 << the leaves that have a rate, in the list or as agreed so far */
	bool known;      /* it has a rate; else the four below say nothing */
	struct wide list,
		rate; /* at list price, which is the agreed rate where the list has none; as agreed so far */
	unsigned list_flags, flags; /* theirs, where they are another leaf's */
};

/* Its calls may be priced by that model. */
bool contract_reaches(const struct book *b, const struct contract *c, const struct book_model *m);
/* Some rule says what that tier costs. */
bool contract_has_tier(const struct deal *d, struct str tier);
/* Which way a rule goes for a call: its step, or whether the commitment is used up; 0 for others. */
unsigned rule_choices(const struct rule *r);
bool rule_meant(const struct rule *r, const struct deal *d, enum leaf leaf);
/* -ERANGE */
int rule_use(const struct rule *r, unsigned choice, struct term *t) _must_use_;
/* All rules, from the list's term on. -ERANGE */
int contract_rate(const struct deal *d, struct term *t) _must_use_;
/* What every contract makes of every price can be told exactly; else -EBADMSG, said. */
int contract_fits(const struct book *b, const struct load *l) _must_use_;

#endif
