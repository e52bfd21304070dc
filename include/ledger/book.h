/* book.h -- accounts, months and transfers inside the open transaction. */
#ifndef LEDGER_BOOK_H
#define LEDGER_BOOK_H

#include "ledger/chain.h"

#define BOOK_ORG   "__org__" /* owns the account that allocations come from */
#define BOOK_MONTH 8         /* bytes of "2026-11" with its NUL */
#define BOOK_TEAM  128       /* longest name of a team */

/* The wallet, spend and adjustments accounts of a team; nothing where they exist. -EINVAL: no name. */
int book_team(struct db *db, struct str team) _must_use_;
int book_account(struct db *db, struct str team, struct str kind,
		 int64_t *ret) _must_use_; /* -ENOENT */
/* The month of `ns`, made where it is new; where it is closed, the first open one from the ledger's
 * own time on. */
int book_period(struct db *db, uint64_t ns, char ret[BOOK_MONTH], bool *ret_late) _must_use_;
/* Next in the chain; seq, ts_ns are filled in. Moves both balances. -EEXIST: the id is there. */
int book_transfer(struct db *db, struct transfer *t) _must_use_;
/* Deterministic id of what is named by `label` and `of`. */
void book_id(const char *label, struct str of, unsigned char ret[16]);

#endif
