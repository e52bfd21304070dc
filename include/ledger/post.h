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

/* Only metered calls that cost something move money. What is not billed for itself: find.h. */
int post_call(struct db *db, const struct call *c, enum booked *ret) _must_use_;

#endif
