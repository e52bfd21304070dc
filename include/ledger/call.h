/* call.h -- one posting as rows: checked, cleaned, and kept in memory until it is known to be on disk. */
#ifndef LEDGER_CALL_H
#define LEDGER_CALL_H

#include "base/arena.h"
#include "flow.h"
#include "ledger/db.h"

#define CALL_EPOCH 8 /* bytes */

struct call { /* a posting that owns what it points to */
	unsigned magic;
#define CALL_MAGIC 0x1ed6e002u
	struct arena arena;
	struct posting posting;
	struct charge charge;
	struct usage usage;
	struct str used, low, high;   /* leaves as JSON text; low, high may be absent */
	struct str flags, told_flags; /* of the charge, of the usage; absent where there is none */
	unsigned char content[DB_HASH];
	unsigned char epoch[CALL_EPOCH];
	bool has_epoch;
	bool plain; /* it came over plain HTTP */
};

/* Copies, cleans texts, checks sums. -EINVAL, -ERANGE: it makes no sense; -ENOMEM. `epoch` may be NULL. */
int call_new(const struct posting *in, const unsigned char *epoch, struct call **ret) _must_use_;
void call_free(struct call **c);

#endif
