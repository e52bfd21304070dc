/* chain.h -- transfers as a hash chain: what was booked cannot be changed without a trace.
 *
 *	hash_0 = 32 zero bytes
 *	hash_n = BLAKE2b-256(hash_{n-1} seq id debit credit amount kind refers_to reason ts_ns period
 *			     call_id actor)
 * Numbers are 8 bytes, little endian; texts and ids are their length as a number and their bytes; an
 * absent one is the length 2^64 - 1 alone. tests/truth recomputes this on its own. */
#ifndef LEDGER_CHAIN_H
#define LEDGER_CHAIN_H

#include "ledger/db.h"

struct transfer { /* one row; ids and texts are borrowed */
	int64_t seq;
	struct str id;         /* CALL_ID bytes */
	int64_t debit, credit; /* accounts */
	int64_t amount;        /* > 0 */
	struct str kind;       /* posted, pending, post, void, expire */
	struct str refers_to, reason;
	int64_t ts_ns;
	struct str period, call_id, actor;
};

void chain_next(const unsigned char before[DB_HASH], const struct transfer *t,
		unsigned char ret[DB_HASH]);
/* Does it move balances now? */
bool chain_moves(const struct transfer *t);
/* Rows from `seq` on (from 1: all of them): no gap in seq, time not decreasing, every hash right.
 * -EUCLEAN with the row in `error`. */
int chain_verify(struct db *db, int64_t seq, char error[256]) _must_use_;
/* Every balance is the fold of its transfers and all of them add up to 0. -EUCLEAN, -ENOMEM. */
int chain_fold(struct db *db, char error[256]) _must_use_;

#endif
