/* revise.h -- what a booked call costs after all, and who pays it, inside the open transaction.
 *
 * Rows that are there stay as they are: a revision stands beside them, and a transfer moves the difference. */
#ifndef LEDGER_REVISE_H
#define LEDGER_REVISE_H

#include "ledger/call.h"

struct revision {
	int64_t call;          /* seq of the call that it is of */
	const struct call *as; /* its usage and charge from now on */
	struct str reason;     /* fetched, repriced, joined */
	struct str told_by; /* id of the call that told it, or is billed instead of it; or absent */
	bool joined;        /* another is billed instead of it */
	struct str actor;   /* who asked for it, or absent */
	int64_t number;     /* the revision of the call that this one is to be; 0: the next */
};

/* *ret_pico: what its team pays more than before. -EALREADY: it has that revision; -ENOENT: the call is not billed. */
int revise(struct db *db, const struct revision *v, int64_t *ret_pico) _must_use_;

/* The call of a gateway is paid by who asked the gateway: seq of the provider leg, of the caller's leg. *ret_back: what the
 * caller had paid for its own. */
int revise_payer(struct db *db, int64_t leg, int64_t caller, int64_t *ret_back) _must_use_;

#endif
