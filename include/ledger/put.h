/* put.h -- parameters that calls and their revisions share, in the order of their columns. */
#ifndef LEDGER_PUT_H
#define LEDGER_PUT_H

#include "base/names.h"
#include "ledger/call.h"

void put_maybe(struct use *u, bool has, int64_t n);
void put_usage(struct use *u, const struct call *c); /* usage ... source */
/* why ... reported_cost. `why`: where it is another than the charge's. `none`: nothing that costs. `room` holds texts until
 * the step. */
struct put_room {
	char why[NAMES_TEXT], told[NAMES_TEXT];
};
void put_charge(struct use *u, const struct call *c, bool none, enum why why,
		struct put_room *room);
/* The lines of the row `seq`; `name`: SQL_LINE_NEW or SQL_REVISION_LINE_NEW. */
int put_lines(struct db *db, enum sql name, const struct call *c, int64_t seq) _must_use_;

/* From a team's wallet to its spend, or back where `pico` is negative; nothing where it is 0. The transfer's id is made of
 * `label` and `of`. `refers_to`: may be absent. */
struct pay {
	const char *label;
	struct str of, team, reason, actor, period, call_id, refers_to;
	int64_t pico;
};
int put_pay(struct db *db, const struct pay *p) _must_use_;
/* The charge that a call began with, as something to refer to; absent: it was booked without one. `room` holds it. */
int put_first(struct db *db, struct str call_id, unsigned char room[CALL_ID],
	      struct str *ret) _must_use_;

#endif
