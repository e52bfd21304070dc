/* find.h -- what the ledger knows already of a call that is to be booked. Reads only.
 *
 * One response of a provider that was seen twice is billed once: the later observation is joined to the first where it
 * comes from another epoch and the same time, or where the meter joined it midway; and the second side of a gateway on
 * this host to the first, unless that cost less than what came over TLS. Two calls of one epoch that are neither, or of
 * two times, are two calls, whatever their responses say: else who replays an id, or makes up an answer that bears it, is
 * not billed. What was asked for now and told later is billed once, too: by the provider's id, whenever that was.
 *
 * Of two that had no price when they were booked the second to get one is held against the first in the same way. */
#ifndef LEDGER_FIND_H
#define LEDGER_FIND_H

#include "ledger/call.h"
#include "ledger/ledger.h"

struct found {
	bool has_repeat, has_retry, has_joined;
	unsigned char repeat[CALL_ID]; /* the latest call with the same request */
	unsigned char retry[CALL_ID];  /* the same, where it failed just before */
	unsigned char joined[CALL_ID]; /* the one that is billed instead of this one */
	bool not_created; /* an answer fetched by its id, and nobody here was seen to ask for it */
	int64_t creation; /* seq of the call whose usage this one tells; 0: none that is to be billed */
	int64_t provider,
		caller; /* seq of the other leg of a gateway's call, whose caller pays; 0: none */
};

int find_call(struct db *db, const struct call *c, struct found *ret) _must_use_;
/* The same for a call that is booked, as row `self`, and is charged only now: what it is joined to, or who pays for it. */
int find_twin(struct db *db, const struct call *c, int64_t self, struct found *ret) _must_use_;
/* As ledger_creation(). */
int find_creation(struct db *db, struct usage *u, struct arena *a, struct creation *ret) _must_use_;

#endif
