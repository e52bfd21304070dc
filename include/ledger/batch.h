/* batch.h -- group commit that cannot lose or double a row.
 *
 * A commit that fails may have happened all the same. So the rows of a batch stay in memory until a
 * commit returned 0; after a failure the connection is closed, the next commit opens a new one and
 * books again what is not there. At most LIMIT_BATCH_ROWS rows are held. */
#ifndef LEDGER_BATCH_H
#define LEDGER_BATCH_H

#include "base/count.h"
#include "ledger/call.h"

struct batch;

/* Opens the file: created 0640 where absent, locked against a second writer for as long as the batch lives.
 * Errors as ledger_open(). `counters` may be NULL. */
int batch_new(const char *path, struct counters *counters, uint64_t (*now_ns)(void),
	      struct batch **ret, char error[256]) _must_use_;
void batch_free(struct batch **b); /* without a commit */
void batch_epoch(struct batch *b,
		 const unsigned char epoch[CALL_EPOCH]); /* of the calls from now on */
const unsigned char *
batch_now(const struct batch *b); /* that epoch, or the file's last; NULL: none */
const unsigned char *batch_host_id(const struct batch *b); /* 16 bytes */

/* As ledger_feed(). */
int batch_feed(struct batch *b, const struct posting *in) _must_use_;
size_t batch_rows(const struct batch *b);
/* -ESTALE: the file was removed or replaced while it was open. */
int batch_commit(struct batch *b) _must_use_;
/* Runs `fn` in the transaction and commits. It may run twice, so it does nothing the second time; it
 * refuses (db_refused()) without a trace, and the batch stays as it was. */
int batch_run(struct batch *b, int (*fn)(struct db *db, void *ctx), void *ctx) _must_use_;
/* Commits; what batch_run() does from then on is not committed, and batch_drop() undoes it. Nothing is fed in between. */
int batch_hold(struct batch *b) _must_use_;
int batch_drop(struct batch *b) _must_use_;
/* The connection for a look at it; NULL while there is none. */
struct db *batch_db(struct batch *b);

#endif
