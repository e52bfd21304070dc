/* total.h -- what came together under a contract in a period: asked of SQL once, then added up as calls are booked.
 *
 * It is a copy: after a step that was undone it is forgotten, and asked of SQL again. */
#ifndef LEDGER_TOTAL_H
#define LEDGER_TOTAL_H

#include "base/str.h"

struct db;

struct total {
	__int128 net, list; /* pico-dollars: as charged, and at list price */
};

enum { TOTAL_ROWS = 16, TOTAL_NAME = 128, TOTAL_ID = 16 };
struct totals { /* of a connection */
	size_t count, oldest;
	struct total_row {
		char contract[TOTAL_NAME];
		size_t n;
		uint64_t from_ns, until_ns;
		struct total of;
	} row[TOTAL_ROWS];
};

/* Of the metered calls that began in [from, until), each once, after their last revision. `before`: id of a call: only those
 * that were charged before it was; NULL, or where it never was: all. */
int total_of(struct db *db, struct str contract, uint64_t from_ns, uint64_t until_ns,
	     const unsigned char *before, struct total *ret) _must_use_;
/* All of them, and kept up to date from now on. */
int total_follow(struct db *db, struct str contract, uint64_t from_ns, uint64_t until_ns,
		 struct total *ret) _must_use_;
/* A charge was booked, or taken back where the amounts are negative. */
void total_add(struct totals *t, struct str contract, uint64_t start_ns, int64_t net, int64_t list);
void total_forget(struct totals *t);

#endif
