#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/limit.h"
#include "base/obj.h"
#include "ledger/batch.h"
#include "ledger/chain.h"
#include "ledger/epoch.h"
#include "ledger/post.h"
#include "ledger/schema.h"

#define FILE_MODE  0640
#define CHECK_TAIL 1000 /* transfers whose hashes are looked at on opening */
#define RUN_TRIES  2

struct batch {
	unsigned magic;
#define BATCH_MAGIC 0x1ed6e003u
	char *path;
	int lock;                  /* the file itself, open and locked */
	struct counters *counters; /* may be NULL */
	uint64_t (*now_ns)(void);
	struct db *db; /* NULL after a failure */
	bool doubt;    /* a failure may have damaged the file: look at all of it */
	bool lost;     /* what the transaction holds is not known: book the rows again */
	bool held;     /* nothing is committed */
	unsigned char host_id[16], epoch[CALL_EPOCH];
	bool has_epoch;
	size_t count;
	struct call *row[LIMIT_BATCH_ROWS];
};

#define COUNT(b, name, by)                                    \
	do {                                                  \
		if ((b)->counters)                            \
			count_add((b)->counters, name, (by)); \
	} while (0)

/* ---- the file ---- */

static int lock_file(struct batch *b, char error[256])
{
	struct stat st;
	int r;

	b->lock = open(b->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
	if (b->lock < 0) {
		r = -errno;
		snprintf(error, 256, "%s cannot be opened for writing: %s", b->path, strerror(-r));
		return r;
	}
	if (fstat(b->lock, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		snprintf(error, 256, "%s is not a regular file", b->path);
		return -EUCLEAN;
	}
	if (flock(b->lock, LOCK_EX | LOCK_NB) < 0) {
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
		snprintf(error, 256,
			 "%s is in use by another submeterd: stop it, or give this one "
			 "its own `state`",
			 b->path);
		return r;
	}
	/* The mode of a new file passes the umask by; SQLite gives -wal and -shm the same. */
	if (st.st_size == 0 && fchmod(b->lock, FILE_MODE) < 0)
		return -errno;
	return schema_sniff(b->lock, b->path, error);
}

/* Is the path still the file that we locked? */
static bool file_there(const struct batch *b)
{
	struct stat ours, named;

	return fstat(b->lock, &ours) == 0 && stat(b->path, &named) == 0 &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

static int check(struct batch *b, struct db *db, char error[256])
{
	struct stat st;
	int r = fstat(b->lock, &st) < 0 ? -errno : 0;

	if (r == 0 && b->doubt && st.st_size <= LIMIT_LEDGER_CHECK)
		r = schema_sound(db, b->path, error);
	if (r == 0)
		r = schema_ready(db, b->path, error);
	if (r == 0) {
		snprintf(error, 256, "%s: the last transfers cannot be read", b->path);
		r = db_head(db);
	}
	if (r == 0)
		r = chain_verify(db, db->head.seq - CHECK_TAIL, error);
	return r;
}

static int connect_db(struct batch *b, char error[256])
{
	_cleanup_(db_close) struct db *db = NULL;
	int r;

	db_close(&b->db);
	if (!file_there(b)) {
		snprintf(error, 256, "%s was removed or replaced while it was in use", b->path);
		return -ESTALE;
	}
	r = db_open(b->path, b->now_ns, &db, error);
	if (r == 0)
		r = check(b, db, error);
	if (r < 0)
		return r;
	if (!b->has_epoch) /* a meter that restarted goes on in the epoch of the probes */
		r = epoch_last(db, b->epoch, &b->has_epoch);
	if (r < 0)
		return r;
	memcpy(b->host_id, db->host_id, sizeof(b->host_id));
	b->doubt = false;
	b->db = take(db);
	return 0;
}

int batch_new(const char *path, struct counters *counters, uint64_t (*now_ns)(void),
	      struct batch **ret, char error[256])
{
	_cleanup_(batch_free) struct batch *b = obj_new(b, BATCH_MAGIC);
	int r;

	snprintf(error, 256, "out of memory");
	if (!b)
		return -ENOMEM;
	b->lock = -1;
	b->doubt = true;
	b->counters = counters;
	b->now_ns = now_ns;
	b->path = mem_text(path, strlen(path));
	if (!b->path)
		return -ENOMEM;
	r = lock_file(b, error);
	if (r == 0)
		r = connect_db(b, error);
	if (r < 0)
		return r;
	*ret = take(b);
	return 0;
}

static void drop_rows(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		call_free(&b->row[i]);
	b->count = 0;
}

void batch_free(struct batch **bp)
{
	struct batch *b = obj_take(bp, BATCH_MAGIC);

	if (!b)
		return;
	drop_rows(b);
	/* Closed after SQLite's own: closing any descriptor of a file drops the process's locks on it. */
	db_close(&b->db);
	if (b->lock >= 0)
		close(b->lock);
	mem_free(b->path);
	mem_free(b);
}

void batch_epoch(struct batch *b, const unsigned char epoch[CALL_EPOCH])
{
	obj_check(b, BATCH_MAGIC);
	memcpy(b->epoch, epoch, CALL_EPOCH);
	b->has_epoch = true;
}

const unsigned char *batch_now(const struct batch *b)
{
	obj_check(b, BATCH_MAGIC);
	return b->has_epoch ? b->epoch : NULL;
}

const unsigned char *batch_host_id(const struct batch *b)
{
	obj_check(b, BATCH_MAGIC);
	return b->host_id;
}

size_t batch_rows(const struct batch *b)
{
	obj_check(b, BATCH_MAGIC);
	return b->count;
}

struct db *batch_db(struct batch *b)
{
	obj_check(b, BATCH_MAGIC);
	return b->lost ? NULL : b->db;
}

/* ---- steps of the transaction ---- */

/* After `r` nobody knows what the open transaction holds. */
static int lose(struct batch *b, int r)
{
	b->lost = true;
	b->doubt = b->doubt || r != -EBUSY;
	COUNT(b, COMMIT_ERRORS, 1);
	return r;
}

static int begin(struct db *db)
{
	return db_in_transaction(db) ? 0 : db_run(db, SQL_BEGIN);
}

struct step {
	const struct call *call;
	enum booked booked;
};

static int step_call(struct db *db, void *ctx)
{
	struct step *s = ctx;

	return post_call(db, s->call, &s->booked);
}

/* All of `fn` or none of it. */
static int step(struct db *db, int (*fn)(struct db *db, void *ctx), void *ctx)
{
	int r = begin(db), undone;

	if (r == 0)
		r = db_save(db);
	if (r < 0)
		return r;
	r = fn(db, ctx);
	if (r == 0)
		return db_keep(db);
	if (!db_refused(r))
		return r;
	undone = db_undo(db);
	return undone < 0 ? undone : r;
}

/* Was row `i` fed twice while there was no connection to tell? */
static bool fed_before(const struct batch *b, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (b->row[k] && memcmp(b->row[k]->posting.id, b->row[i]->posting.id, CALL_ID) == 0)
			return true;
	return false;
}

/* A new connection, and every row that is not there yet. */
static int redo(struct batch *b)
{
	char error[256];
	size_t kept = 0;
	int r = connect_db(b, error);

	if (r == 0)
		r = begin(b->db);
	for (size_t i = 0; r == 0 && i < b->count; i++) {
		struct step s = { b->row[i], BOOKED_NEW };

		r = step(b->db, step_call, &s);
		if (db_refused(r)) { /* it must not keep the others out */
			r = 0;
			COUNT(b, POST_REFUSED, 1);
			call_free(&b->row[i]);
		} else if (r == 0 && s.booked == BOOKED_CONFLICT) {
			COUNT(b, POST_CONFLICT, 1);
			call_free(&b->row[i]);
		} else if (r == 0 && s.booked == BOOKED_AGAIN && fed_before(b, i)) {
			COUNT(b, POST_AGAIN, 1);
			call_free(&b->row[i]);
		}
	}
	for (size_t i = 0; i < b->count; i++)
		if (b->row[i])
			b->row[kept++] = b->row[i];
	b->count = kept;
	return r;
}

static int ready(struct batch *b)
{
	int r = b->lost ? redo(b) : begin(b->db);

	if (r < 0)
		return lose(b, r);
	b->lost = false;
	return 0;
}

int batch_commit(struct batch *b)
{
	int r;

	obj_check(b, BATCH_MAGIC);
	if (!b->lost && !db_in_transaction(b->db))
		return 0;
	r = file_there(b) ? ready(b) : -ESTALE;
	if (r < 0)
		return r;
	r = db_run(b->db, SQL_COMMIT);
	if (r < 0)
		return lose(b, r);
	COUNT(b, POSTED, b->count);
	COUNT(b, COMMITS, 1);
	drop_rows(b);
	return 0;
}

int batch_run(struct batch *b, int (*fn)(struct db *db, void *ctx), void *ctx)
{
	int r = 0;

	obj_check(b, BATCH_MAGIC);
	for (int i = 0; i < RUN_TRIES; i++) {
		r = ready(b);
		if (r < 0)
			continue;
		r = step(b->db, fn, ctx);
		if (db_refused(r))
			return r;
		if (r < 0)
			r = lose(b, r);
		else if (!b->held)
			r = batch_commit(b);
		/* a second try would not find what was done before in a transaction that is held */
		if (r == 0 || b->held)
			return r;
	}
	return r;
}

int batch_hold(struct batch *b)
{
	int r;

	obj_check(b, BATCH_MAGIC);
	r = batch_commit(b);
	b->held = r == 0;
	return r;
}

int batch_drop(struct batch *b)
{
	int r = 0;

	obj_check(b, BATCH_MAGIC);
	/* else what is open is what was fed */
	if (b->held && !b->lost && db_in_transaction(b->db))
		r = db_back(b->db);
	b->held = false;
	return r < 0 ? lose(b, r) : 0;
}

int batch_feed(struct batch *b, const struct posting *in)
{
	_cleanup_(call_free) struct call *c = NULL;
	struct step s = { .booked = BOOKED_NEW };
	int r = 0;

	obj_check(b, BATCH_MAGIC);
	if (b->count == LIMIT_BATCH_ROWS)
		r = batch_commit(b);
	if (r < 0)
		return r;
	r = call_new(in, b->has_epoch ? b->epoch : NULL, &c);
	if (r == 0 && !b->lost) {
		s.call = c;
		r = step(b->db, step_call, &s);
		if (r < 0 && !db_refused(r))
			lose(b, r);
	}
	if (db_refused(r)) {
		COUNT(b, POST_REFUSED, 1);
		return 0;
	}
	if (r < 0 && !c)
		return r;
	if (r == 0 && s.booked == BOOKED_AGAIN)
		COUNT(b, POST_AGAIN, 1);
	else if (r == 0 && s.booked == BOOKED_CONFLICT)
		COUNT(b, POST_CONFLICT, 1);
	else
		b->row[b->count++] = take(c); /* booked, or to be booked when the disk is back */
	if (r == 0 && s.booked == BOOKED_JOINED)
		COUNT(b, POST_JOINED, 1);
	return 0;
}
