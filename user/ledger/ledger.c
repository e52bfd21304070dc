#include <stdio.h>
#include "base/clock.h"
#include "base/hash.h"
#include "base/obj.h"
#include "ledger/batch.h"
#include "ledger/book.h"
#include "ledger/chain.h"
#include "ledger/epoch.h"
#include "ledger/find.h"
#include "ledger/ledger.h"
#include "ledger/reprice.h"
#include "ledger/text.h"
#include "ledger/wallet.h"

struct ledger {
	unsigned magic;
#define LEDGER_MAGIC 0x1ed6e004u
	struct batch *batch;
};

int ledger_open(const struct ledger_opts *o, struct ledger **ret, char error[256])
{
	_cleanup_(ledger_close) struct ledger *l = obj_new(l, LEDGER_MAGIC);
	int r;

	if (!l) {
		snprintf(error, 256, "out of memory");
		return -ENOMEM;
	}
	r = batch_new(o->path, o->counters, o->now_ns ? o->now_ns : clock_utc_ns, &l->batch, error);
	if (r < 0)
		return r;
	*ret = take(l);
	return 0;
}

void ledger_close(struct ledger **lp)
{
	struct ledger *l = obj_take(lp, LEDGER_MAGIC);
	int r;

	if (!l)
		return;
	/* What cannot be committed now was never said to be durable. */
	r = l->batch ? batch_commit(l->batch) : 0;
	(void)r;
	batch_free(&l->batch);
	mem_free(l);
}

const unsigned char *ledger_host_id(const struct ledger *l)
{
	obj_check(l, LEDGER_MAGIC);
	return batch_host_id(l->batch);
}

int ledger_feed(struct ledger *l, const struct posting *in)
{
	obj_check(l, LEDGER_MAGIC);
	return batch_feed(l->batch, in);
}

size_t ledger_batch(const struct ledger *l)
{
	obj_check(l, LEDGER_MAGIC);
	return batch_rows(l->batch);
}

int ledger_commit(struct ledger *l)
{
	obj_check(l, LEDGER_MAGIC);
	return batch_commit(l->batch);
}

static int verify(struct db *db, char error[256])
{
	int r = chain_verify(db, 1, error);

	return r < 0 ? r : chain_fold(db, error);
}

int ledger_verify(struct ledger *l, char error[256])
{
	struct db *db;
	int r;

	obj_check(l, LEDGER_MAGIC);
	r = batch_commit(l->batch);
	db = batch_db(l->batch);
	if (r == 0 && db)
		return verify(db, error);
	snprintf(error, 256, "the open batch cannot be committed");
	return r < 0 ? r : -EIO;
}

/* ---- wallets ---- */

int ledger_allocate(struct ledger *l, const struct wallet_move *m, char ret_id[33])
{
	struct wallet_job job;
	int r;

	obj_check(l, LEDGER_MAGIC);
	r = wallet_plan(m, &job);
	if (r == 0)
		r = batch_run(l->batch, wallet_allocate, &job);
	if (r == 0)
		hash_hex(job.id, sizeof(job.id), ret_id);
	return r;
}

static int make_team(struct db *db, void *ctx)
{
	const struct str *team = ctx;

	return book_team(db, *team);
}

int ledger_team(struct ledger *l, struct str team)
{
	obj_check(l, LEDGER_MAGIC);
	return text_valid(team) ? batch_run(l->batch, make_team, &team) : -EINVAL;
}

/* ---- prices ---- */

struct total_job {
	struct str contract;
	uint64_t from_ns, until_ns;
	const unsigned char *before;
	struct total *ret;
};

static int total_job(struct db *db, void *ctx)
{
	struct total_job *j = ctx;

	return total_of(db, j->contract, j->from_ns, j->until_ns, j->before, j->ret);
}

int ledger_total(struct ledger *l, struct str contract, uint64_t from_ns, uint64_t until_ns,
		 struct total *ret)
{
	struct db *db;

	obj_check(l, LEDGER_MAGIC);
	db = batch_db(l->batch);
	/* after a failure the rows of the batch are not there yet: they are, once it is committed */
	return db ? total_follow(db, contract, from_ns, until_ns, ret)
		  : ledger_total_before(l, NULL, contract, from_ns, until_ns, ret);
}

int ledger_total_before(struct ledger *l, const unsigned char before[CALL_ID], struct str contract,
			uint64_t from_ns, uint64_t until_ns, struct total *ret)
{
	struct total_job j = { contract, from_ns, until_ns, before, ret };

	obj_check(l, LEDGER_MAGIC);
	return batch_run(l->batch, total_job, &j);
}

struct creation_job {
	const struct usage *told;
	struct arena *arena;
	struct usage made;
	struct creation found;
};

static int creation_job(struct db *db, void *ctx)
{
	struct creation_job *j = ctx;

	j->made = *j->told;
	j->found = (struct creation){ 0 };
	return find_creation(db, &j->made, j->arena, &j->found);
}

int ledger_creation(struct ledger *l, struct usage *u, struct arena *a, struct creation *ret)
{
	struct creation_job j = { .told = u, .arena = a };
	struct db *db;
	int r;

	obj_check(l, LEDGER_MAGIC);
	*ret = (struct creation){ 0 };
	db = batch_db(l->batch);
	r = db ? creation_job(db, &j) : batch_run(l->batch, creation_job, &j);
	if (r < 0)
		return r;
	*u = j.made;
	*ret = j.found;
	return 0;
}

struct reprice_job {
	struct call *call;
	struct str actor;
	uint64_t revision;
	struct repriced *ret;
};

static int reprice_job(struct db *db, void *ctx)
{
	struct reprice_job *j = ctx;
	int r = reprice(db, j->call, (int64_t)j->revision + 1, j->actor, j->ret);

	return r == -EALREADY ? 0 : r;
}

int ledger_reprice(struct ledger *l, const struct posting *in, uint64_t revision, struct str actor,
		   struct repriced *ret)
{
	_cleanup_(call_free) struct call *c = NULL;
	struct repriced got = { 0 };
	struct reprice_job j = { .actor = actor, .revision = revision, .ret = &got };
	int r;

	obj_check(l, LEDGER_MAGIC);
	r = call_new(in, NULL, &c);
	if (r < 0)
		return r;
	j.call = c;
	r = batch_run(l->batch, reprice_job, &j);
	if (r == 0)
		*ret = got;
	return r;
}

int ledger_rehearse(struct ledger *l, bool on)
{
	obj_check(l, LEDGER_MAGIC);
	return on ? batch_hold(l->batch) : batch_drop(l->batch);
}

/* ---- epochs ---- */

int ledger_epoch_begin(struct ledger *l, const unsigned char epoch[8], uint64_t started_ns)
{
	struct epoch_job job = { .epoch = epoch, .ns = started_ns };
	int r;

	obj_check(l, LEDGER_MAGIC);
	r = batch_run(l->batch, epoch_begin, &job);
	if (r == 0)
		batch_epoch(l->batch, epoch);
	return r;
}

static int in_epoch(struct ledger *l, int (*fn)(struct db *db, void *job), uint64_t ns)
{
	struct epoch_job job = { .epoch = batch_now(l->batch), .ns = ns };

	obj_check(l, LEDGER_MAGIC);
	return job.epoch ? batch_run(l->batch, fn, &job) : -EINVAL;
}

int ledger_epoch_ready(struct ledger *l, uint64_t ready_ns)
{
	return in_epoch(l, epoch_ready, ready_ns);
}

int ledger_heartbeat(struct ledger *l, uint64_t ns)
{
	return in_epoch(l, epoch_beat, ns);
}

int ledger_gap(struct ledger *l, uint64_t from_ns, uint64_t until_ns, struct str reason)
{
	struct epoch_job job = { .ns = from_ns, .until_ns = until_ns, .reason = reason };

	obj_check(l, LEDGER_MAGIC);
	return batch_run(l->batch, epoch_gap, &job);
}
