/* reprice.h -- a price for a call that is booked, inside the open transaction.
 *
 * Where it is charged for the first time, it is held against what else is booked as a new call would be: another observation of
 * a call that is billed costs nothing, a gateway's call is paid by who asked the gateway. */
#ifndef LEDGER_REPRICE_H
#define LEDGER_REPRICE_H

#include "ledger/call.h"
#include "ledger/ledger.h"

/* `c`: who and when as booked, and the new charge; gets the epoch of its row. -EALREADY: it has that revision; -ENOENT. */
int reprice(struct db *db, struct call *c, int64_t number, struct str actor,
	    struct repriced *ret) _must_use_;

#endif
