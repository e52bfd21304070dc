/* post.h -- a call's rows inside the open transaction: the call, its lines, the transfer that pays it. */
#ifndef LEDGER_POST_H
#define LEDGER_POST_H

#include "ledger/call.h"

enum booked {
	BOOKED_NEW,
	BOOKED_JOINED, /* booked, but another observation of the same call is the one that is billed */
	BOOKED_AGAIN,    /* it was there already */
	BOOKED_CONFLICT, /* its id was there with other content: nothing is booked */
};

/* Only metered calls that cost something move money. One response of a provider that was seen twice is
 * billed once: the later observation is joined to the first where it comes from another epoch and the same
 * time, or where the meter joined it midway; and the second side of a gateway on this host to the first, unless that cost
 * less than what came over TLS. Two calls of one epoch that are neither, or of two times, are two calls, whatever their
 * responses say: else who replays an id, or makes up an answer that bears it, is not billed. */
int post_call(struct db *db, const struct call *c, enum booked *ret) _must_use_;

#endif
