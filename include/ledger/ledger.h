/* ledger.h -- stage: posting -> rows. Double entry in SQLite, one writer, group commit.
 *
 * The ledger only grows: transfers are immutable, ids are deterministic, the same content again
 * changes nothing, other content under a known id is refused and counted. Amounts are pico-dollars. */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "base/arena.h"
#include "base/count.h"
#include "flow.h"
#include "ledger/total.h"

struct ledger;

struct ledger_opts {
	const char *path;          /* ledger.db; created 0640 when absent */
	struct counters *counters; /* borrowed; may be NULL */
	uint64_t (*now_ns)(void);  /* UTC; NULL = clock_utc_ns */
};

/* Opens, migrates forward, checks. -EUCLEAN: damaged; -EPROTONOSUPPORT: made by a newer version;
 * -EBUSY: another writer has it. `error` gets one line for the user. */
int ledger_open(const struct ledger_opts *o, struct ledger **ret, char error[256]) _must_use_;
/* 16 random bytes, made with the ledger: team_opts.host_id. Valid while the ledger is open. */
const unsigned char *ledger_host_id(const struct ledger *l);
/* Books one posting into the open batch. Retry after an error changes nothing twice.
 *
 * 0: the ledger has seen to it. Taken, also where the disk fails just now (it is kept, a later commit books
 * it); there already (CNT_POST_AGAIN); or refused: its id is there with other content (CNT_POST_CONFLICT) or
 * it contradicts itself (CNT_POST_REFUSED), both an alarm.
 * Errors: not taken, feed it again. LIMIT_BATCH_ROWS rows wait for a disk that fails, or memory is short. */
int ledger_feed(struct ledger *l, const struct posting *in) _must_use_;
size_t ledger_batch(const struct ledger *l); /* rows not yet committed */
/* Durable when it returns 0. Else whether it happened is unknown: the rows are kept, the next commit opens
 * the file anew and books those that are not there. -ESTALE: the file was removed or replaced. */
int ledger_commit(struct ledger *l) _must_use_;
/* Commits, then recomputes the hash chain and folds every balance. -EUCLEAN: `error` names the row. */
int ledger_verify(struct ledger *l, char error[256]) _must_use_;
void ledger_close(struct ledger **l); /* commits what is open */

/* ---- wallets: each commits the open batch with it ---- */

struct wallet_move {
	struct str team, reason, key; /* key: idempotency, may be absent */
	int64_t pico;                 /* > 0 */
	struct str actor;             /* who asked, e.g. "uid:0" */
};
/* Money into a team's wallet. ret_id gets the transfer's id (32 hex). -EEXIST: the key was used for
 * something else; -EINVAL; -ENOENT: the team has no accounts (ledger_team()). The same move under the
 * same key answers 0 with the same id. */
int ledger_allocate(struct ledger *l, const struct wallet_move *m, char ret_id[33]) _must_use_;
int ledger_team(struct ledger *l, struct str team) _must_use_; /* makes its accounts, if new */

/* ---- prices: what came together, and what came to be known ---- */

/* Of the metered calls under a contract that began in [from, until), each once, those of the open batch too. Quick where
 * the same is asked again and again. */
int ledger_total(struct ledger *l, struct str contract, uint64_t from_ns, uint64_t until_ns,
		 struct total *ret) _must_use_;
/* The same as it was when the call with the id `before` was first charged, and before it; as it is, where it never was. */
int ledger_total_before(struct ledger *l, const unsigned char before[CALL_ID], struct str contract,
			uint64_t from_ns, uint64_t until_ns, struct total *ret) _must_use_;

/* For an answer that was fetched by its id: when, where and with which credential it was asked for goes into *u, as it decides
 * the price; texts are in `a`. Where nobody was seen to ask, *u stays. */
struct creation {
	bool found;
	struct str contract; /* of what it is charged now, or absent */
	struct total charged;
};
int ledger_creation(struct ledger *l, struct usage *u, struct arena *a,
		    struct creation *ret) _must_use_;

struct repriced {
	int64_t more; /* pico-dollars that teams pay more than before */
	bool charged; /* it has the new charge */
	bool joined; /* it, or what it was charged for under another name, is another observation of a call that is billed */
};
/* Another charge for a call that is booked (in->id), which has `revision` revisions: its rows stay, a revision stands
 * beside them, a transfer with reason `repriced` moves the difference; commits. Nothing where it has more revisions already.
 * -ENOENT: no such call, or another observation of it is billed; -EINVAL, -ERANGE. */
int ledger_reprice(struct ledger *l, const struct posting *in, uint64_t revision, struct str actor,
		   struct repriced *ret) _must_use_;
/* What ledger_reprice() does while this is on is undone when it is off again. Nothing else is done in between, nor after an
 * error of it. */
int ledger_rehearse(struct ledger *l, bool on) _must_use_;

/* ---- epochs: time with and without probes ---- */

/* Begins an epoch: records the time from the last heartbeat until ready as a gap (no gap on the first). The
 * same epoch again (the meter restarted, the probes stayed) is a gap too. Calls fed later carry it; until
 * it is called, the last epoch of the file goes on. */
int ledger_epoch_begin(struct ledger *l, const unsigned char epoch[8],
		       uint64_t started_ns) _must_use_;
int ledger_epoch_ready(struct ledger *l, uint64_t ready_ns) _must_use_;
/* Everything that ended before `ns` is in the batch or booked; commits. */
int ledger_heartbeat(struct ledger *l, uint64_t ns) _must_use_;
/* Any other hole (a role restarted, ...). */
int ledger_gap(struct ledger *l, uint64_t from_ns, uint64_t until_ns, struct str reason) _must_use_;

#endif
