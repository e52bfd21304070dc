/* The meter: rings -> stages -> ledger. One thread; no capability; the only writer of the ledger. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>
#include "app/meter.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"

#define DRAIN_RECORDS 4096 /* at most, before the loop looks at anything else */
#define START_MS      10   /* between looks at the others while not all are ready */
#define IDLE_MS       250  /* between looks at the clock when nothing waits to be written */
#define WAIT_MS       100
#define AGAIN_NS      NS_PER_SEC /* before a ledger that refused is tried again */
#define HEARTBEAT_NS  (NS_PER_SEC / 2)
#define CLOSE_NS      (4 * NS_PER_SEC) /* for what the rings hold at the end */

static struct board_cg *row(struct meter *m, const struct origin *from)
{
	struct board_cg *cg = &m->board->cg[from->cg_slot < ABI_CG_SLOTS ? from->cg_slot : 0];

	/* row 0 is many cgroups' and has no path */
	if (from->cg_slot && !cg->path[0]) {
		struct str path = facts_path(m->facts, from->cgroup);

		cg->cgroup = from->cgroup;
		snprintf(cg->path, sizeof(cg->path), STR_FMT, STR_ARG(path));
	}
	return cg;
}

static void on_parsed(void *ctx, const struct origin *from, uint64_t bytes)
{
	row(ctx, from)->parsed += bytes;
}

static void on_skipped(void *ctx, const struct origin *from, int skip, uint64_t bytes)
{
	row(ctx, from)->skipped[skip] += bytes;
}

static void on_ignore(void *ctx, const struct origin *from, enum skip reason)
{
	struct meter *m = ctx;

	(void)reason;
	ring_ignore(m->ring, from->gen);
}

static struct str on_endpoint(void *ctx, struct str host)
{
	return meter_endpoint(ctx, host);
}

static void on_facts(void *ctx, const struct origin *from, struct subject *ret)
{
	struct meter *m = ctx;

	if (!facts_subject(m->facts, from, ret))
		count_add(&m->board->counters, CGROUP_UNKNOWN, 1);
}

static void on_cgroup(void *ctx, uint64_t id, struct str path)
{
	struct meter *m = ctx;

	facts_cgroup(m->facts, id, path);
}

static void on_exec(void *ctx, uint32_t tgid, uint64_t start_ns, struct str file)
{
	struct meter *m = ctx;

	facts_process(m->facts, tgid, start_ns, file);
}

/* Once the supervisor has begun to end us; the loop may be far from seeing its signal. */
static bool ending(const struct meter *m)
{
	return m->stopping || __atomic_load_n(&m->board->detached_ns, __ATOMIC_ACQUIRE);
}

static int refused(struct meter *m, int r)
{
	m->again_ns = clock_boot_ns() + AGAIN_NS;
	if (!m->complained)
		log_err(r,
			"cannot write the ledger in '%s'; calls wait in memory, then in "
			"the ring",
			m->board->conf.state);
	m->complained = true;
	return r;
}

static void accepted(struct meter *m)
{
	if (m->complained)
		log_info("the ledger takes writes again");
	m->complained = false;
}

int meter_commit(struct meter *m)
{
	size_t rows = ledger_batch(m->ledger);
	int r;

	/* Each time costs as much as opening the ledger anew. */
	if (clock_boot_ns() < m->again_ns && !ending(m))
		return -EAGAIN;
	r = ledger_commit(m->ledger);
	if (r < 0)
		return refused(m, r);
	if (rows)
		accepted(m);
	m->batch_since = 0;
	return 0;
}

/* Until it makes sense to feed the ledger again; false: we are to end. */
static bool wait_disk(struct meter *m)
{
	do {
		if (ending(m))
			return false;
		(void)!poll(NULL, 0, WAIT_MS);
	} while (meter_commit(m) < 0);
	return true;
}

/* A call is never dropped for want of a disk: the meter waits here, the ring fills, and what the ring then refuses is
 * counted by the kernel. At the end it tries once; what it must leave lies in the gap after the last heartbeat. */
static int on_posting(void *ctx, const struct posting *p)
{
	struct meter *m = ctx;
	int r;

	/* Its answer will come when we are back, and be seen then: this one is left to the gap. */
	if (m->closing && p->charge->usage->status < 0)
		return 0;
	if (m->gave_up)
		return -ENOSPC;
	while ((r = ledger_feed(m->ledger, p)) < 0) {
		/* a full batch has room now; memory does not come back by asking at once */
		if ((meter_commit(m) == 0 && r != -ENOMEM) || wait_disk(m))
			continue;
		m->gave_up = true;
		return r;
	}
	if (!m->batch_since)
		m->batch_since = clock_boot_ns();
	/* The call is taken. A disk that fails now is the next one's wait, not the end of this connection. */
	if (ledger_batch(m->ledger) >= LIMIT_BATCH_ROWS)
		(void)!meter_commit(m);
	return 0;
}

/* An answer fetched by its id is charged as it was asked for. */
static int on_created(void *ctx, struct usage *u)
{
	struct meter *m = ctx;
	int r;

	m->made = (struct creation){ 0 };
	if (u->later != LATER_FETCHED)
		return 0;
	do {
		arena_reset(&m->made_text);
		r = ledger_creation(m->ledger, u, &m->made_text, &m->made);
	} while (r < 0 && !m->gave_up && wait_disk(m));
	m->gave_up |= r < 0;
	return r;
}

/* What came together under a contract, the calls of the open batch too: from the ledger, so that a restart changes nothing.
 * What is told once more is not behind itself. */
static int on_sums(void *ctx, struct str contract, uint64_t from_ns, uint64_t until_ns,
		   struct price_sums *ret)
{
	struct meter *m = ctx;
	struct total t;
	int r;

	do
		r = ledger_total(m->ledger, contract, from_ns, until_ns, &t);
	while (r < 0 && !m->gave_up && wait_disk(m));
	m->gave_up |= r < 0;
	if (r < 0)
		return r;
	if (contract.n && str_eq(contract, m->made.contract)) {
		t.net -= m->made.charged.net;
		t.list -= m->made.charged.list;
	}
	*ret = (struct price_sums){ .net = t.net, .list = t.list };
	return 0;
}

/* Is there more? Who writes without end must not keep the loop from its clock, the desk and its signals, so the
 * loop comes back for it: the rings stay readable. */
static bool drain(struct meter *m)
{
	size_t done = 0;
	int r;

	/* Facts first: a path must be known before the call that needs it is posted. */
	meter_learn(m);
	r = ring_drain(m->ring, DRAIN_RECORDS, &done);
	if (r < 0 && !m->gave_up)
		log_err(r, "a record could not be taken further");
	if (pipeline_tick(m->pipeline, ring_clear_until(m->ring)) < 0 && !m->gave_up)
		log_err(0, "a connection with a hole could not be taken further");
	cover_tick(m->cover, ring_clear_until(m->ring));
	meter_ends(m);
	return !m->gave_up && (r < 0 || done == DRAIN_RECORDS);
}

/* Nothing is known of what came after the probes were gone. */
static uint64_t watched(const struct meter *m, uint64_t until_ns)
{
	uint64_t end = __atomic_load_n(&m->board->detached_ns, __ATOMIC_ACQUIRE);

	return end ? MIN(end, until_ns) : until_ns;
}

/* Time without probes is in the ledger while it lasts, so that it is there however it ends. */
static int off_time(struct meter *m, uint64_t now_ns)
{
	const struct board *b = m->board;
	uint64_t off = __atomic_load_n(&b->off_ns, __ATOMIC_ACQUIRE);
	uint64_t on = __atomic_load_n(&b->on_ns, __ATOMIC_ACQUIRE);
	int r;

	if (off == m->off_booked_ns)
		return 0;
	r = ledger_gap(m->ledger, off, on > off ? on : now_ns, S("detached"));
	if (r == 0 && on > off)
		m->off_booked_ns = off;
	return r;
}

static void heartbeat(struct meter *m)
{
	uint64_t until = watched(m, ring_clear_until(m->ring)), now = clock_utc_ns();
	int r;

	if (!m->board->meter_ready && m->board->attacher_ready) {
		if (ledger_epoch_ready(m->ledger, now) < 0)
			return;
		m->board->ready_ns = now;
		__atomic_store_n(&m->board->meter_ready, 1, __ATOMIC_RELEASE);
		log_info("ready: metering since %s", clock_text(now, (char[CLOCK_TEXT]){ 0 }).p);
	}
	if (now < m->beat_ns + HEARTBEAT_NS && now >= m->beat_ns)
		return;
	if (clock_boot_ns() < m->again_ns || meter_commit(m) < 0)
		return;
	r = off_time(m, now);
	if (r == 0)
		r = ledger_heartbeat(m->ledger, until);
	if (r < 0) {
		refused(m, r);
		return;
	}
	accepted(m);
	m->beat_ns = now;
	m->board->heartbeat_ns = until;
}

static void on_tick(uv_timer_t *t);

/* The next look at the clock: when the batch is to be on disk, else at leisure. */
static void rest(struct meter *m)
{
	uint64_t ms = m->board->meter_ready ? IDLE_MS : START_MS, batch = m->board->conf.batch_ms;
	uint64_t waited = m->batch_since ? (clock_boot_ns() - m->batch_since) / 1000000 : 0;

	if (m->batch_since)
		ms = MIN(ms, waited < batch ? batch - waited : WAIT_MS);
	(void)uv_timer_start(m->tick, on_tick, ms, 0);
}

static void on_tick(uv_timer_t *t)
{
	struct meter *m = t->data;
	uint64_t batch_ns = m->board->conf.batch_ms * 1000000;

	drain(m);
	meter_answer(m);
	if (m->batch_since && clock_boot_ns() - m->batch_since >= batch_ns)
		(void)!meter_commit(m);
	heartbeat(m);
	rest(m);
}

static void on_ready(uv_poll_t *p, int status, int events)
{
	struct meter *m = p->data;
	uint64_t since = m->batch_since;

	(void)status;
	(void)events;
	drain(m);
	meter_answer(m);
	if (m->batch_since != since)
		rest(m);
}

static void on_signal(uv_signal_t *s, int number)
{
	struct meter *m = s->data;

	if (number == SIGHUP) {
		meter_reload(m);
		return;
	}
	m->stopping = true;
	uv_stop(s->loop);
}

static void on_parent(uv_poll_t *p, int status, int events)
{
	struct meter *m = p->data;

	(void)status;
	(void)events;
	m->stopping = m->orphan = true;
	uv_stop(p->loop);
}

static int loop(struct meter *m)
{
	int fd[] = { ring_poll_fd(m->ring, KFD_DATA), ring_poll_fd(m->ring, KFD_CTL),
		     m->world->chan[CHAN_FACT][1], m->world->chan[CHAN_ASK][1], m->world->parent };
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	uv_poll_t polls[COUNT_OF(fd)];
	uv_signal_t catchers[COUNT_OF(signals)];
	uv_timer_t tick;
	uv_loop_t uv;
	int r = uv_loop_init(&uv);

	for (size_t i = 0; r == 0 && i < COUNT_OF(fd); i++) {
		polls[i].data = m;
		r = uv_poll_init(&uv, &polls[i], fd[i]);
		if (r == 0)
			r = uv_poll_start(&polls[i], UV_READABLE | UV_DISCONNECT,
					  fd[i] == m->world->parent ? on_parent : on_ready);
	}
	for (size_t i = 0; r == 0 && i < COUNT_OF(signals); i++) {
		catchers[i].data = m;
		r = uv_signal_init(&uv, &catchers[i]);
		if (r == 0)
			r = uv_signal_start(&catchers[i], on_signal, signals[i]);
	}
	tick.data = m;
	m->tick = &tick;
	if (r == 0)
		r = uv_timer_init(&uv, &tick);
	if (r == 0)
		r = uv_timer_start(&tick, on_tick, 0, 0);
	if (r < 0)
		return log_err(r, "cannot start the event loop");
	uv_run(&uv, UV_RUN_DEFAULT);
	return 0;
}

static int open_ledger(struct meter *m, bool again)
{
	char path[CONF_TEXT + 16], error[256];
	struct ledger_opts o = { .path = path, .counters = &m->board->counters };
	uint64_t now = clock_utc_ns();
	int r;

	if (snprintf(path, sizeof(path), "%s/ledger.db", m->board->conf.state) >= (int)sizeof(path))
		return log_err(-ENAMETOOLONG, "the state path is too long");
	r = ledger_open(&o, &m->ledger, error);
	if (r < 0)
		return log_err(0, "cannot open the ledger: %s", error);
	if (again) { /* the kernel side went on without us: what lay in our memory is gone */
		uint64_t from = m->board->heartbeat_ns;

		return ledger_gap(m->ledger, from ? from : m->board->started_ns, now,
				  S("the meter was restarted"));
	}
	hash_random(m->board->epoch, sizeof(m->board->epoch));
	r = ledger_epoch_begin(m->ledger, m->board->epoch, now);
	if (r < 0)
		return log_err(r, "cannot record the capture epoch");
	__atomic_store_n(&m->board->epoch_stored, 1, __ATOMIC_RELEASE);
	return 0;
}

static void whoami(struct meter *m)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (gethostname(m->host, sizeof(m->host) - 1) < 0)
		m->host[0] = '\0';
	if (!f || fscanf(f, "%36s", m->boot_id) != 1)
		m->boot_id[0] = '\0';
	if (f)
		fclose(f);
}

static int open_stages(struct meter *m)
{
	struct pipeline_opts o = { .counters = &m->board->counters,
				   .book = m->book,
				   .team = { .host = str_of(m->host),
					     .boot_id = str_of(m->boot_id),
					     .facts = on_facts,
					     .ctx = m },
				   .parsed = on_parsed,
				   .skipped = on_skipped,
				   .ignore = on_ignore,
				   .endpoint = on_endpoint,
				   .created = on_created,
				   .sums = on_sums,
				   .ctx = m };
	struct ring_opts ring = { .fd = m->world->kernel.fd,
				  .counters = &m->board->counters,
				  .cgroup = on_cgroup,
				  .exec = on_exec,
				  .sock = meter_socket,
				  .unread = meter_unread,
				  .ctx = m };
	int r = meter_key(m, "host.key", o.key, sizeof(o.key));

	if (r < 0)
		return r;
	memcpy(o.team.host_id, ledger_host_id(m->ledger), sizeof(o.team.host_id));
	memcpy(o.team.epoch, m->board->epoch, sizeof(o.team.epoch));
	r = pipeline_new(&o, (struct posting_sink){ on_posting, m }, &m->pipeline);
	if (r < 0)
		return log_err(r, "cannot make the stages");
	pipeline_use(m->pipeline, m->map);
	r = meter_cover(m);
	if (r < 0)
		return r;
	r = ring_new(&ring, (struct chunk_sink){ meter_chunk, m }, &m->ring);
	return r < 0 ? log_err(r, "cannot map the rings") : 0;
}

static void close_all(struct meter *m)
{
	uint64_t until_ns = clock_boot_ns() + CLOSE_NS;

	if (m->ring) {
		while (drain(m) && clock_boot_ns() < until_ns)
			;
		m->closing = true;
		if (pipeline_flush(m->pipeline, clock_utc_ns()) < 0)
			log_warn(0, "some calls under way could not be closed");
		/* What is still in a ring is the gap's, and so is a call that was given up. When the supervisor dies its
		 * probes go first, nobody knows when: then the heartbeat before stands. */
		if (!m->orphan && !m->gave_up)
			m->gave_up = ledger_heartbeat(m->ledger,
						      watched(m, ring_clear_until(m->ring))) < 0;
		if (m->gave_up)
			log_err(0, "the last calls are not on disk: they lie in the gap that the "
				   "next start records");
	}
	ring_free(&m->ring);
	cover_free(&m->cover);
	pipeline_free(&m->pipeline);
	arena_reset(&m->made_text);
	ledger_close(&m->ledger);
	map_free(&m->map);
	book_free(&m->book);
	facts_free(&m->facts);
}

int meter_main(struct world *w)
{
	struct meter m = { .world = w, .board = w->board, .made_text.limit = LIMIT_RECORD_BYTES };
	bool again = m.board->epoch_stored;
	int r;

	whoami(&m);
	r = facts_new((enum cgroup_hierarchy)w->board->hierarchy, &m.facts);
	if (r == 0)
		r = meter_book(&m);
	if (r == 0)
		r = open_ledger(&m, again);
	if (r == 0)
		r = meter_map(&m);
	if (r == 0)
		r = open_stages(&m);
	if (r == 0)
		r = loop(&m);
	close_all(&m);
	return r < 0 || m.gave_up;
}
