/* epoch.h -- time with probes and time without, inside the open transaction. Each may run twice. */
#ifndef LEDGER_EPOCH_H
#define LEDGER_EPOCH_H

#include "ledger/db.h"

struct epoch_job {
	const unsigned char *epoch; /* 8 bytes */
	uint64_t ns, until_ns;      /* until_ns: of a gap */
	struct str reason;          /* of a gap */
};

/* A gap opens at the last heartbeat of whatever ran before, and stays open until ready. */
int epoch_begin(struct db *db, void *job) _must_use_;
int epoch_ready(struct db *db, void *job) _must_use_;
int epoch_beat(struct db *db, void *job) _must_use_;
int epoch_gap(struct db *db, void *job) _must_use_;

int epoch_last(struct db *db, unsigned char ret[8], bool *ret_has) _must_use_;

#endif
