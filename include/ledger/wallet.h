/* wallet.h -- moves of money that people ask for, inside the open transaction. */
#ifndef LEDGER_WALLET_H
#define LEDGER_WALLET_H

#include "ledger/db.h"
#include "ledger/ledger.h"

struct wallet_job {
	const struct wallet_move *move;
	unsigned char id[16];    /* the transfer's; after the run, of the one that is there */
	unsigned char asked[32]; /* hash of what was asked */
};

/* -EINVAL: no amount, no team, or a text that is too long or not UTF-8. */
int wallet_plan(const struct wallet_move *m, struct wallet_job *ret) _must_use_;
/* Funding of the organisation to the team's wallet. Twice changes nothing. -ENOENT: no such team. */
int wallet_allocate(struct db *db, void *job) _must_use_;

#endif
