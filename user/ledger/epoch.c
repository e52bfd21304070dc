#include "ledger/epoch.h"

#define EPOCH 8 /* bytes */

static int gap_add(struct db *db, uint64_t from_ns, const uint64_t *until_ns, struct str reason)
{
	struct use u = db_use(db, SQL_GAP_NEW);

	use_int(&u, (int64_t)from_ns);
	if (until_ns)
		use_int(&u, (int64_t)*until_ns);
	else
		use_null(&u);
	use_text(&u, reason);
	return use_done(&u);
}

/* A start that never got ready left its gap open: the time since then is one gap. */
static int gap_open(struct db *db)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_GAP_OPEN);

	return use_step(&u);
}

static int gap_begin(struct db *db, const struct epoch_job *j)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_EPOCH_LAST);
	int r = use_step(&u);
	uint64_t from_ns;
	bool again;

	if (r <= 0)
		return r;
	/* a clock that went back: a gap that begins in the future would hold nothing */
	from_ns = MIN((uint64_t)use_col_int(&u, 1), j->ns);
	again = str_eq(use_col_blob(&u, 0), (struct str){ (const char *)j->epoch, EPOCH });
	/* The same epoch: its probes and rings were kept, what the meter held in memory was not. */
	return gap_add(db, from_ns, NULL,
		       again ? S("the meter restarted") : S("submeterd was not running"));
}

int epoch_last(struct db *db, unsigned char ret[EPOCH], bool *ret_has)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_EPOCH_LAST);
	struct str epoch;
	int r = use_step(&u);

	if (r < 0)
		return r;
	epoch = r > 0 ? use_col_blob(&u, 0) : STR_NONE;
	*ret_has = epoch.n == EPOCH;
	if (*ret_has)
		memcpy(ret, epoch.p, EPOCH);
	return 0;
}

int epoch_begin(struct db *db, void *job)
{
	const struct epoch_job *j = job;
	struct use u;
	int r = gap_open(db);

	if (r == 0)
		r = gap_begin(db, j);
	if (r < 0)
		return r;
	u = db_use(db, SQL_EPOCH_NEW);
	use_blob(&u, j->epoch, EPOCH);
	use_int(&u, (int64_t)j->ns);
	return use_done(&u);
}

static int set(struct db *db, enum sql name, const struct epoch_job *j)
{
	struct use u = db_use(db, name);

	use_blob(&u, j->epoch, EPOCH);
	use_int(&u, (int64_t)j->ns);
	return use_done(&u);
}

int epoch_ready(struct db *db, void *job)
{
	const struct epoch_job *j = job;
	struct use u = db_use(db, SQL_GAP_CLOSE);
	int r;

	use_int(&u, (int64_t)j->ns);
	r = use_done(&u);
	return r < 0 ? r : set(db, SQL_EPOCH_READY, j);
}

int epoch_beat(struct db *db, void *job)
{
	return set(db, SQL_EPOCH_BEAT, job);
}

int epoch_gap(struct db *db, void *job)
{
	const struct epoch_job *j = job;
	uint64_t until_ns = MAX(j->ns, j->until_ns); /* a clock may have gone back */

	return gap_add(db, j->ns, &until_ns, j->reason);
}
